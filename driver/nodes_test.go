package driver_test

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor/driver"
)

// fakeFiles is a tree that a test has written down: nodes by name.
type fakeFiles map[string]*driver.Node

func (f fakeFiles) OpenFile(string) (*os.File, error) { return nil, errors.ErrUnsupported }

func (f fakeFiles) Lstat(name string) (*driver.Node, error) {
	if n := f[name]; n != nil {
		return n, nil
	}
	return nil, fs.ErrNotExist
}

func (f fakeFiles) ReadDir(name string) (list []driver.DirEntry, err error) {
	if !f[name].Mode.IsDir() {
		return nil, syscall.ENOTDIR
	}
	prefix := strings.TrimPrefix(name+"/", "./")
	for k := range f {
		if base, ok := strings.CutPrefix(k, prefix); ok && base != "." && !strings.Contains(base, "/") {
			e := driver.DirEntry{Name: base}
			if f[k] != nil { // else it is gone since
				e.Type = f[k].Mode.Type()
			}
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b driver.DirEntry) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// batchedFiles looks at so many nodes at once.
type batchedFiles struct {
	fakeFiles
	n int
}

func (f batchedFiles) Lstat(name string) (*driver.Node, error) {
	if name != "." {
		panic("looks at " + name + " alone")
	}
	return f.fakeFiles.Lstat(name)
}

func (f batchedFiles) LstatAll(dir string, names []string) (nodes []*driver.Node, err error) {
	for _, base := range names[:min(f.n, len(names))] {
		n, err := f.fakeFiles.Lstat(path.Join(dir, base))
		if err != nil {
			return nodes, err
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

// ways are the same files looked at one by one, and some at once.
func ways(f fakeFiles) map[string]driver.Files {
	return map[string]driver.Files{"one by one": f, "1": batchedFiles{f, 1}, "2": batchedFiles{f, 2}, "all": batchedFiles{f, 1000}}
}

func fakeDir(opaque driver.Opaque) *driver.Node {
	return &driver.Node{Mode: fs.ModeDir | 0o755, Opaque: opaque}
}

func fakeFile(size int64) *driver.Node { return &driver.Node{Mode: 0o644, Size: size} }

// listed gives names, with what hides something in brackets.
func listed(t *testing.T, nodes iter.Seq2[driver.Named, error]) (names []string) {
	t.Helper()
	for n, err := range nodes {
		if err != nil {
			t.Fatal(err)
		}
		line := n.Name
		if n.Hides != "" {
			line += " hides " + n.Hides
		}
		names = append(names, line)
	}
	return names
}

func TestWalk(t *testing.T) {
	t.Parallel()
	files := fakeFiles{
		".": fakeDir(0), "b": fakeDir(driver.OpaqueYes), "b/.wh..wh..opq": fakeFile(0), "b/x": fakeFile(1), "b/.wh.y": {Mode: 0o644, Hides: "y"},
		"a": fakeFile(1), "b.c": fakeFile(0), "gone": {Mode: fs.ModeDevice | fs.ModeCharDevice, Hides: "gone"},
		"d": fakeDir(0), "d/.wh..wh..opq": fakeFile(3),
	}
	want := []string{".", "a", "b", "b/.wh.y hides y", "b/x", "b.c", "d", "d/.wh..wh..opq", "gone hides gone"}
	for i := range 1000 { // more than are looked at at once
		name := fmt.Sprintf("d/many%04d", i)
		files[name] = fakeFile(int64(i))
		want = slices.Insert(want, len(want)-1, name)
	}
	for way, files := range ways(files) {
		if diff := cmp.Diff(want, listed(t, driver.Walk(files))); diff != "" {
			t.Error(way, diff)
		}
		for range driver.Walk(files) {
			break // no more is asked for
		}
	}
}

// TestWalkPassesBy: what is not asked for is no error, though it was looked at ahead.
func TestWalkPassesBy(t *testing.T) {
	t.Parallel()
	for way, files := range ways(fakeFiles{".": fakeDir(driver.OpaqueYes), "-": fakeFile(1), ".wh..wh..opq": nil, "a": fakeFile(1)}) {
		if diff := cmp.Diff([]string{".", "-", "a"}, listed(t, driver.Walk(files))); diff != "" {
			t.Error(way, diff)
		}
	}
}

func TestWalkErrors(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]fakeFiles{
		"no root":             {},
		"a node of no type":   {".": fakeDir(0), "a": {Mode: fs.ModeIrregular}},
		"a name that is gone": {".": fakeDir(0), "a": fakeFile(1), "b": nil},
	} {
		for way, files := range ways(files) {
			var last error
			for _, err := range driver.Walk(files) {
				if last != nil {
					t.Errorf("%s, %s: it goes on after %v", name, way, last)
				}
				last = err
			}
			if last == nil {
				t.Errorf("%s, %s: no error", name, way)
			}
		}
	}
	for range driver.Walk(batchedFiles{fakeFiles{".": fakeDir(0), "a": fakeFile(1)}, 0}) { // which must end
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	now := time.Unix(1, 0)
	below := func() fakeFiles {
		return fakeFiles{
			".": fakeDir(0), "same": fakeDir(0), "same/f": fakeFile(1), "same/deep": fakeDir(0), "same/deep/g": fakeFile(1), "z": fakeFile(1),
		}
	}
	for name, test := range map[string]struct {
		change func(fakeFiles)
		want   []string
	}{
		"nothing": {func(fakeFiles) {}, nil},
		"size":    {func(f fakeFiles) { f["same/f"] = fakeFile(2) }, []string{".", "same", "same/f"}},
		"time":    {func(f fakeFiles) { f["z"] = &driver.Node{Mode: 0o644, Size: 1, ModTime: now} }, []string{".", "z"}},
		"mode":    {func(f fakeFiles) { f["z"] = &driver.Node{Mode: 0o600, Size: 1} }, []string{".", "z"}},
		"owner":   {func(f fakeFiles) { f["z"] = &driver.Node{Mode: 0o644, Size: 1, UID: 1} }, []string{".", "z"}},
		"attribute": {func(f fakeFiles) {
			f["z"] = &driver.Node{Mode: 0o644, Size: 1, Xattrs: map[string]string{"user.a": ""}}
		}, []string{".", "z"}},
		"type":                   {func(f fakeFiles) { f["z"] = &driver.Node{Mode: fs.ModeNamedPipe | 0o644, Size: 1} }, []string{".", "z"}},
		"time of a directory":    {func(f fakeFiles) { f["same"] = &driver.Node{Mode: fs.ModeDir | 0o755, ModTime: now} }, nil},
		"mode of a directory":    {func(f fakeFiles) { f["same"] = &driver.Node{Mode: fs.ModeDir | 0o700} }, []string{".", "same"}},
		"mode of the root":       {func(f fakeFiles) { f["."] = &driver.Node{Mode: fs.ModeDir | 0o700} }, []string{"."}},
		"gone":                   {func(f fakeFiles) { delete(f, "same/deep/g") }, []string{".", "same", "same/deep", "same/deep/g hides g"}},
		"a directory gone":       {func(f fakeFiles) { delete(f, "same/deep"); delete(f, "same/deep/g") }, []string{".", "same", "same/deep hides deep"}},
		"new":                    {func(f fakeFiles) { f["a"] = fakeFile(0) }, []string{".", "a"}},
		"a new directory":        {func(f fakeFiles) { f["n"] = fakeDir(0); f["n/x"] = fakeFile(0) }, []string{".", "n", "n/x"}},
		"directory becomes file": {func(f fakeFiles) { delete(f, "same/deep/g"); f["same/deep"] = fakeFile(1) }, []string{".", "same", "same/deep"}},
		"file becomes directory": {func(f fakeFiles) { f["z"] = fakeDir(0); f["z/y"] = fakeFile(0) }, []string{".", "z", "z/y"}},
		"two, one parent": {
			func(f fakeFiles) { f["same/f"] = fakeFile(3); f["same/deep/g"] = fakeFile(4) },
			[]string{".", "same", "same/deep", "same/deep/g", "same/f"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := below()
			test.change(files)
			for way, lower := range ways(below()) {
				upper := ways(files)[way]
				if diff := cmp.Diff(test.want, listed(t, driver.Changes(upper, lower, driver.ChangesOptions{}))); diff != "" {
					t.Error(way, diff)
				}
				for n, err := range driver.Changes(upper, lower, driver.ChangesOptions{}) {
					_ = fmt.Sprint(n, err)
					break
				}
			}
		})
	}
	for _, trees := range [][2]fakeFiles{{{}, below()}, {below(), {}}} {
		var last error
		for _, err := range driver.Changes(trees[0], trees[1], driver.ChangesOptions{}) {
			last = err
		}
		if !errors.Is(last, fs.ErrNotExist) {
			t.Errorf("a tree without root: %v", last)
		}
	}
}
