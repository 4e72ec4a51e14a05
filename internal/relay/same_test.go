package relay

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/storetest"
)

// TestSameAnswers asks both ways about everything that is in the layers of every form,
// and much that is not.
func TestSameAnswers(t *testing.T) {
	t.Parallel()
	sample, _, _ := strings.Cut(storetest.Sample, "\nimage")
	for name, opts := range forms {
		for kind, spec := range map[string]string{"sample": sample, "quirks": storetest.Quirks} {
			t.Run(name+","+kind, func(t *testing.T) {
				t.Parallel()
				if opts.Flat { // its table is UTF-8
					spec = strings.ReplaceAll(spec, `\xe9`, "é")
				}
				s := storetest.New(t, spec, opts)
				for _, info := range s.Layers() {
					direct, helped := both(t, s.Root, specOf(info, opts))
					compare(t, direct, helped, namesOf(t, direct, info))
				}
			})
		}
	}
}

// namesOf are the names of everything in a layer, and of what is not there.
func namesOf(t *testing.T, f driver.Files, info storetest.LayerInfo) (names []string) {
	t.Helper()
	for n, err := range driver.Walk(f) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, n.Name, n.Name+"/below")
	}
	for _, e := range info.Entries {
		names = append(names, e.Name, "/"+e.Name, path.Join(path.Dir(e.Name), ".wh."+path.Base(e.Name)))
	}
	return append(names, "", ".", "/", "..", "../../etc/passwd", "/proc/self/exe", "a\x00b", "\xff\xfe", strings.Repeat("a", 256),
		strings.Repeat("a/", 2047)+"a", strings.Repeat("a/", 2048), strings.Repeat("a/../", 5000), strings.Repeat("x", 5000))
}

// compare demands that both trees answer alike, errors included.
func compare(t *testing.T, direct, helped driver.Tree, names []string) {
	t.Helper()
	for _, name := range names {
		for what, ask := range map[string]func(driver.Tree) (any, error){
			"Lstat":   func(f driver.Tree) (any, error) { return f.Lstat(name) },
			"ReadDir": func(f driver.Tree) (any, error) { return f.ReadDir(name) },
			"OpenFile": func(f driver.Tree) (any, error) {
				file, err := f.OpenFile(name)
				if err != nil {
					return nil, err
				}
				defer file.Close()
				content, err := io.ReadAll(file)
				return file.Name() + "\n" + string(content), err
			},
			"ReadFile": func(f driver.Tree) (any, error) {
				n, _ := f.Lstat(name)
				if n == nil {
					n = &driver.Node{Size: 7}
				}
				p := make([]byte, min(n.Size, 1<<20))
				size, err := f.ReadFile(name, p)
				if size != n.Size {
					p = nil
				}
				return fmt.Sprint(size, string(p)), err
			},
			"ReadFile of another size": func(f driver.Tree) (any, error) {
				size, err := f.ReadFile(name, make([]byte, 12345))
				return size, err
			},
			"HiddenByFile": func(f driver.Tree) (any, error) { return driver.HiddenByFile(f, name) },
		} {
			want, wantErr := ask(direct)
			got, err := ask(helped)
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" && (wantErr == nil || err == nil) {
				t.Errorf("%s(%.100q) (-direct +helped):\n%s", what, name, diff)
			}
			if diff := differs(wantErr, err); diff != "" {
				t.Errorf("%s(%.100q): %s", what, name, diff)
			}
		}
	}
	if diff := cmp.Diff(all(direct), all(helped)); diff != "" {
		t.Errorf("Walk (-direct +helped):\n%s", diff)
	}
}

// walked is a walk of a tree.
type walked struct {
	Nodes []driver.Named
	Err   string
}

func all(f driver.Files) (w walked) {
	for n, err := range driver.Walk(f) {
		if err != nil {
			w.Err = err.Error()
			break
		}
		w.Nodes = append(w.Nodes, n)
	}
	return w
}

// differs says how two errors differ for who looks at them.
func differs(want, got error) string {
	if (want == nil) != (got == nil) {
		return fmt.Sprintf("direct: %v, helped: %v", want, got)
	}
	if want == nil {
		return ""
	}
	if want.Error() != got.Error() {
		return fmt.Sprintf("direct: %q\nhelped: %q", want, got)
	}
	for _, is := range append(slices.Clone(sentinels), io.EOF, ErrEnded, syscall.ENOENT, syscall.ENOTDIR, syscall.ELOOP, syscall.ENAMETOOLONG,
		syscall.EISDIR, syscall.EINVAL, syscall.EACCES, syscall.EXDEV) {
		if errors.Is(want, is) != errors.Is(got, is) {
			return fmt.Sprintf("%v: is %v: direct %t, helped %t", want, is, errors.Is(want, is), errors.Is(got, is))
		}
	}
	var wantErrno, gotErrno syscall.Errno
	if errors.As(want, &wantErrno) != errors.As(got, &gotErrno) || wantErrno != gotErrno {
		return fmt.Sprintf("%v: errno: direct %v, helped %v", want, wantErrno, gotErrno)
	}
	var wantPath, gotPath *fs.PathError
	if errors.As(want, &wantPath) != errors.As(got, &gotPath) || wantPath != nil && (wantPath.Op != gotPath.Op || wantPath.Path != gotPath.Path) {
		return fmt.Sprintf("%v: direct %+v, helped %+v", want, wantPath, gotPath)
	}
	return ""
}
