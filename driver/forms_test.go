package driver_test

import (
	"archive/tar"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/internal/storetest"
)

const marksSpec = `
layer base
  dir      keep 0755
  file     keep/old 0644 1000:1000 "old"
  file     gone 0644 "gone"
layer marks parent=base
  dir      keep 02751 33:33
  opaque   keep
  file     keep/new 04711 33:33 "new" mtime=2001-02-03T04:05:06.000000007Z
  whiteout gone
  dir      sub
  whiteout sub/nothing
  char     sub/null 0666 1 3
  char     sub/zero 0600 0 0
  block    sub/disk 0660 7 300 0:6
  fifo     sub/pipe 0620 5:5
  symlink  sub/link ../keep/new 7:7
  hardlink sub/hard keep/new
  hardlink sub/hard-pipe sub/pipe
  xattr    keep/new user.k=v user.empty=
  xattr    keep user.dir=1
`

// TestForms compares each entry of each layer with what the tar said, in every form
// that a store may have.
func TestForms(t *testing.T) {
	t.Parallel()
	sample, _, _ := strings.Cut(storetest.Sample, "\nimage") // a container's layer is another test
	everywhere(t, func(t *testing.T) {
		for _, spec := range []struct{ name, text string }{{"sample", sample}, {"quirks", storetest.Quirks}, {"marks", marksSpec}} {
			for _, f := range forms {
				t.Run(spec.name+"-"+f.name, func(t *testing.T) { testForm(t, f, spec.text) })
			}
		}
	})
}

func testForm(t *testing.T, f form, spec string) {
	if f.flat { // its table is UTF-8
		spec = strings.ReplaceAll(spec, `\xe9`, "é")
	}
	s := storetest.New(t, spec, f.opts)
	all := map[string]map[string]*driver.Node{"": nil}
	for _, info := range s.Layers() {
		want := f.want(info, all[info.Parent])
		all[info.ID] = want
		l := open(t, info, f.overlay())
		for at, n := range want {
			checkNode(t, f, l, info.Name, at, n)
		}
		for _, e := range info.Entries {
			n := want[place(e.Name)]
			if n != nil && n.Mode.IsRegular() && e.Typeflag == tar.TypeReg && !unreadable(n) {
				if got, err := readFile(l, e.Name); err != nil || got != string(e.Content) {
					t.Errorf("%s: OpenFile(%q): %d bytes, %v; want %d bytes", info.Name, e.Name, len(got), err, len(e.Content))
				}
			}
		}
		if f.flat {
			checkTree(t, l, "", treeOf(want))
		} else {
			checkTree(t, l, "", onDisk(t, info.Diff))
		}
	}
}

func checkNode(t *testing.T, f form, l layer, name, at string, want *driver.Node) {
	t.Helper()
	got, err := l.Lstat(at)
	if err != nil {
		t.Errorf("%s: Lstat(%q): %v", name, at, err)
		return
	}
	file, err := l.OpenFile(at)
	if want.Mode.IsRegular() && (want.Hides == "" || !f.native) {
		if err != nil && !unreadable(want) {
			t.Errorf("%s: OpenFile(%q): %v", name, at, err)
		}
	} else if !errors.Is(err, beneath.ErrNotRegular) {
		t.Errorf("%s: OpenFile(%q) of mode %v: %v", name, at, want.Mode, err)
	}
	_ = file.Close()
	if (got.Ino != 0 && got.Dev != 0 && got.Nlink != 0) == f.flat {
		t.Errorf("%s: Lstat(%q): nlink %d, dev %d, ino %d", name, at, got.Nlink, got.Dev, got.Ino)
	}
	if f.native && want.Hides != "" && want.ModTime.IsZero() { // the kernel's whiteout
		if got.Hides != want.Hides || got.Mode.Type() != fs.ModeDevice|fs.ModeCharDevice || got.DevMajor != 0 || got.DevMinor != 0 {
			t.Errorf("%s: whiteout %q: %+v", name, at, got)
		}
		return
	}
	ignore := []string{"Nlink", "Dev", "Ino"}
	if want.Mode.IsDir() && !f.flat {
		ignore = append(ignore, "Size") // the file system's
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(driver.Node{}, ignore...)); diff != "" {
		t.Errorf("%s: Lstat(%q) (-want +got):\n%s", name, at, diff)
	}
}

// unreadable: whiteouts in a tar often have mode 0000.
func unreadable(n *driver.Node) bool { return n.Mode.Perm() == 0 && os.Geteuid() != 0 }

// onDisk lists a folder as the standard library sees it.
func onDisk(t *testing.T, root string) map[string][]driver.DirEntry {
	t.Helper()
	dirs := map[string][]driver.DirEntry{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		list, err := os.ReadDir(p)
		at := strings.TrimPrefix(p[len(root):], "/")
		dirs[at] = nil
		for _, e := range list {
			dirs[at] = append(dirs[at], driver.DirEntry{Name: e.Name(), Type: e.Type()})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

// treeOf lists the directories of a flat layer, with those that are implied. Names
// through links do not count: they are listed where they lie.
func treeOf(nodes map[string]*driver.Node) map[string][]driver.DirEntry {
	dirs := map[string][]driver.DirEntry{"": nil}
	for at, n := range nodes {
		typ := n.Mode.Type()
		if n.Mode.IsDir() && dirs[at[1:]] == nil {
			dirs[at[1:]] = nil
		}
		for at != "/" {
			dir := path.Dir(at)
			if p := nodes[dir]; p != nil && p.Mode.Type() == fs.ModeSymlink {
				dir = place(path.Join(path.Dir(dir), p.Link))
			}
			e := driver.DirEntry{Name: path.Base(at), Type: typ}
			if !slices.Contains(dirs[dir[1:]], e) {
				dirs[dir[1:]] = append(dirs[dir[1:]], e)
			}
			at, typ = dir, fs.ModeDir
		}
	}
	for _, list := range dirs {
		slices.SortFunc(list, func(a, b driver.DirEntry) int { return strings.Compare(a.Name, b.Name) })
	}
	return dirs
}

// checkTree compares all lists below dir.
func checkTree(t *testing.T, l layer, dir string, want map[string][]driver.DirEntry) {
	t.Helper()
	list, err := l.ReadDir(dir)
	if err != nil {
		t.Errorf("ReadDir(%q): %v", dir, err)
	}
	if diff := cmp.Diff(want[dir], list, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(driver.DirEntry{}, "Unsure")); diff != "" {
		t.Errorf("ReadDir(%q) (-want +got):\n%s", dir, diff)
	}
	for _, e := range list {
		n, err := l.Lstat(path.Join(dir, e.Name))
		if err != nil || !e.Unsure && (n.Hides != "" || n.Mode.Type() != e.Type) {
			t.Errorf("ReadDir(%q) is sure of %q %v: it is %+v, %v", dir, e.Name, e.Type, n, err)
		}
		if e.Type.IsDir() {
			checkTree(t, l, path.Join(dir, e.Name), want)
		}
	}
	if dir != "" {
		return
	}
	for at := range want {
		if _, err := l.ReadDir(at); err != nil {
			t.Errorf("ReadDir(%q): %v", at, err)
		}
	}
}
