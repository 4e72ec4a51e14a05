package driver_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/storetest"
)

const mappedSpec = `
layer base
  dir  d 0755
  file d/base 0644 "base"
layer app parent=base
  dir    d 0755
  opaque d
  file   d/app 0600 "app"
  file   d/same 0644 "same"
  whiteout gone
layer copy mapped=app
`

func TestMapped(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T) {
		s := storetest.New(t, mappedSpec, storetest.Options{})
		app, mapped := s.Layer("app"), s.Layer("copy")
		// What needed no change is in the template only.
		if err := os.Remove(filepath.Join(mapped.Dir, "diff1/d/same")); err != nil {
			t.Fatal(err)
		}
		l := open(t, mapped, driver.OverlayOptions{}, app)
		for name, want := range map[string]string{"d/app": "app", "d/same": "same"} {
			if got, err := readFile(l, name); err != nil || got != want {
				t.Errorf("%q: %q, %v", name, got, err)
			}
		}
		n, err := l.Lstat("d/app")
		if err != nil {
			t.Fatal(err)
		}
		if os.Geteuid() == 0 && n.UID != 100000 {
			t.Errorf("owner %d: not that of the copy", n.UID)
		}
		if n, err := l.Lstat("d"); err != nil || n.Opaque != driver.OpaqueYes {
			t.Errorf("the template's mark is lost: %+v, %v", n, err)
		}
		if n, err := l.Lstat("gone"); err != nil || n.Hides != "gone" {
			t.Errorf("the template's whiteout is lost: %+v, %v", n, err)
		}
		list, err := l.ReadDir("d")
		if want := []driver.DirEntry{{Name: "app"}, {Name: "same"}}; err != nil || !slices.Equal(list, want) {
			t.Errorf("%v, %v", list, err)
		}
		for _, name := range []string{"nothing", "d/nothing", "d/base"} {
			if f, err := l.OpenFile(name); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("OpenFile(%q): %v, %v", name, f, err)
			}
			if n, err := l.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Lstat(%q): %v, %v", name, n, err)
			}
			if list, err := l.ReadDir(name); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("ReadDir(%q): %v, %v", name, list, err)
			}
		}
		if list, err := l.ReadDir("d/app"); !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("ReadDir of a file: %v, %v", list, err)
		}
	})
}

// TestStubs: with metacopy=on, a change of owner copies metadata only.
func TestStubs(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T) {
		s := storetest.New(t, mappedSpec, storetest.Options{})
		app, mapped := s.Layer("app"), s.Layer("copy")
		for _, name := range []string{"app", "same"} {
			makeStub(t, filepath.Join(mapped.Dir, "diff1/d", name), "user.overlay.metacopy")
		}
		// The copy has stubs of further layers' files, too.
		inherited := filepath.Join(mapped.Dir, "diff1/d/base")
		if err := os.WriteFile(inherited, []byte("base"), 0o644); err != nil {
			t.Fatal(err)
		}
		makeStub(t, inherited, "user.overlay.metacopy")
		l := open(t, mapped, driver.OverlayOptions{}, app)
		for name, want := range map[string]string{"d/app": "app", "d/same": "same"} {
			got, err := readFile(l, name)
			if err != nil || got != want {
				t.Errorf("%q: %q, %v", name, got, err)
			}
			if n, err := l.Lstat(name); err != nil || n.Metacopy || n.Size != int64(len(want)) {
				t.Errorf("%q: %+v, %v", name, n, err)
			}
		}
		if f, err := l.OpenFile("d/base"); !errors.Is(err, driver.ErrMetacopy) {
			t.Errorf("OpenFile of a stub: %v, %v", f, err)
		}
		if n, err := l.Lstat("d/base"); err != nil || !n.Metacopy {
			t.Errorf("Lstat of a stub: %+v, %v", n, err)
		}
		// An image may have an attribute of that name: its files are whole.
		attr := filepath.Join(app.Diff, "d/app")
		setXattr(t, attr, "user.overlay.metacopy", "")
		l = open(t, app, driver.OverlayOptions{})
		if got, err := readFile(l, "d/app"); err != nil || got != "app" {
			t.Errorf("%q, %v", got, err)
		}
		if n, err := l.Lstat("d/app"); err != nil || n.Metacopy {
			t.Errorf("%+v, %v", n, err)
		}
		l = open(t, app, driver.OverlayOptions{Container: true})
		if f, err := l.OpenFile("d/app"); !errors.Is(err, driver.ErrMetacopy) {
			t.Errorf("OpenFile of a container's stub: %v, %v", f, err)
		}
	})
}

// makeStub takes a file's content away, not its size.
func makeStub(t *testing.T, path, key string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chmod(path, 0o600), os.Truncate(path, 0), os.Truncate(path, info.Size())); err != nil {
		t.Fatal(err)
	}
	if key != "" {
		setXattr(t, path, key, "")
	}
	if err := os.Chmod(path, info.Mode()); err != nil {
		t.Fatal(err)
	}
}

// TestContainerOverCopy: the image is in a store that cannot be written, so the
// copied files are in the container's own layer, below what it changed.
func TestContainerOverCopy(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T) {
		s := storetest.New(t, `
layer c container
  dir      opaque 0755
  file     opaque/new 0644 "new"
  dir      merged 0755
  file     merged/new 0644 "new"
  file     was-dir 0644 "new"
  symlink  now-link merged
`, storetest.Options{})
		info := s.Layer("c")
		opaque := filepath.Join(info.Diff, "opaque")
		setXattr(t, opaque, "user.overlay.opaque", "y")
		for _, f := range []string{"opaque/old", "opaque/sub/old", "merged/old", "merged/new", "was-dir/old", "now-link/old", "old"} {
			path := filepath.Join(info.Dir, "diff1", f)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("old"), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		l := open(t, info, driver.OverlayOptions{Container: true})
		for name, want := range map[string]string{
			"opaque/new": "new", "merged/new": "new", "merged/old": "old", "old": "old", "was-dir": "new", "now-link/new": "new",
			"opaque/old": "", "opaque/sub/old": "", "was-dir/old": "",
		} {
			got, err := readFile(l, name)
			_, errStat := l.Lstat(name)
			if want != "" && (err != nil || errStat != nil || got != want) {
				t.Errorf("%q: %q, %v, %v", name, got, err, errStat)
			}
			if want == "" && (err == nil || errStat == nil) {
				t.Errorf("%q, which is hidden: %q, %v, %v", name, got, err, errStat)
			}
		}
		for name, want := range map[string]string{"opaque": "new", "merged": "new old", "": "merged now-link old opaque was-dir"} {
			list, err := l.ReadDir(name)
			var got []string
			for _, e := range list {
				got = append(got, e.Name)
			}
			if err != nil || strings.Join(got, " ") != want {
				t.Errorf("ReadDir(%q): %q, %v; want %s", name, got, err, want)
			}
		}
		for _, name := range []string{"was-dir", "now-link", "opaque/sub"} {
			if list, err := l.ReadDir(name); err == nil {
				t.Errorf("ReadDir(%q): %v", name, list)
			}
		}
	})
}

// storeOfRoot is the variable in which TestUnseen tells its other self where.
const storeOfRoot = "CSTOR_TEST_STORE_OF_ROOT"

// TestUnseen looks at a store of root as an ordinary user, from whom the kernel
// hides the marks.
func TestUnseen(t *testing.T) {
	if os.Getenv(storeOfRoot) == "" {
		needRoot(t)
		dir, err := os.MkdirTemp("", "driver-unseen-") //nolint:usetesting // the other user has to get in
		if err != nil {
			t.Fatal(err)
		}
		s, err := storetest.Build(filepath.Join(dir, "root"), `
layer a container
  dir  opaque 0755
  dir  plain 0755
  file plain/stub 0644 size=8K
  file plain/hole 0644 zeros=8K
  file plain/zeros 0644 zeros=8K
  file plain/text 0644 "text"
  file plain/late 0644 zeros=8M
  file plain/empty 0644
`, storetest.Options{Whiteouts: storetest.WhiteoutsTrusted})
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		if err != nil {
			t.Fatal(err)
		}
		info := s.Layer("a")
		setXattr(t, filepath.Join(info.Diff, "opaque"), "trusted.overlay.opaque", "y")
		makeStub(t, filepath.Join(info.Diff, "plain/stub"), "trusted.overlay.metacopy")
		makeStub(t, filepath.Join(info.Diff, "plain/hole"), "")
		late := filepath.Join(info.Diff, "plain/late")
		makeStub(t, late, "")
		if f, err := os.OpenFile(late, os.O_WRONLY, 0); err != nil {
			t.Fatal(err)
		} else if _, err := f.WriteAt([]byte("end"), 8<<20-3); errors.Join(err, f.Close()) != nil {
			t.Fatal(err)
		}
		for d := info.Diff; d != filepath.Dir(dir); d = filepath.Dir(d) {
			if err := os.Chmod(d, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		// The folder of a layer for another id map does not belong to root.
		if err := os.Chown(info.Dir, 100000, 100000); err != nil {
			t.Fatal(err)
		}
		t.Setenv(storeOfRoot, info.Dir)
		l := open(t, info, driver.OverlayOptions{Container: true})
		if n, err := l.Lstat("opaque"); err != nil || n.Opaque != driver.OpaqueYes {
			t.Errorf("root: %+v, %v", n, err)
		}
		if got, err := readFile(l, "plain/hole"); err != nil || got != strings.Repeat("\x00", 8<<10) {
			t.Errorf("root: a hole: %d bytes, %v", len(got), err)
		}
	}
	asUser(t, func(t *testing.T) {
		dir := openDir(t, os.Getenv(storeOfRoot))
		l, err := driver.OpenOverlay(dir, driver.OverlayOptions{Container: true})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		for _, name := range []string{"opaque", "plain", ""} {
			if n, err := l.Lstat(name); err != nil || n.Opaque != driver.OpaqueUnknown {
				t.Errorf("%q: %+v, %v", name, n, err)
			}
		}
		for _, name := range []string{"plain/stub", "plain/hole"} {
			if f, err := l.OpenFile(name); !errors.Is(err, driver.ErrMetacopy) {
				t.Errorf("%q: %v, %v", name, f, err)
			}
		}
		for name, size := range map[string]int{"plain/zeros": 8 << 10, "plain/text": 4, "plain/empty": 0, "plain/late": 8 << 20} {
			if got, err := readFile(l, name); err != nil || len(got) != size {
				t.Errorf("%q: %d bytes, %v", name, len(got), err)
			}
		}
	})
}
