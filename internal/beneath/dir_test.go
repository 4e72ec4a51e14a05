package beneath

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func TestLstat(t *testing.T) {
	t.Parallel()
	s := newSite(t, "file f 12345", "link l f", "fifo p", "dir d", "whiteout w", "link m d", "file d/g x")
	for variant, m := range variants() {
		d := openSite(t, s, InRoot, m)
		for name, kind := range map[string]uint32{
			"f": unix.S_IFREG, "l": unix.S_IFLNK, "p": unix.S_IFIFO, "d": unix.S_IFDIR, "w": unix.S_IFCHR,
			"": unix.S_IFDIR, ".": unix.S_IFDIR, "/": unix.S_IFDIR, "m/g": unix.S_IFREG, "/m/../f": unix.S_IFREG,
		} {
			st, err := d.Lstat(name)
			if err != nil || st.Mode&unix.S_IFMT != kind {
				t.Errorf("%s: Lstat(%q): mode %o, %v, want type %o", variant, name, st.Mode, err, kind)
			}
		}
		if st, err := d.Lstat("f"); err != nil || st.Size != 5 {
			t.Errorf("%s: size %d, %v, want 5", variant, st.Size, err)
		}
		if _, err := d.Lstat("gone"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: got error %v, want fs.ErrNotExist", variant, err)
		}
	}
}

func TestReadlink(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x/", 2047) + "y"
	s := newSite(t, "file f x", "dir d", "link l ../../etc/passwd", "link b \xff\xfe", "link long "+long)
	for variant, m := range variants() {
		d := openSite(t, s, NoLinks, m)
		for name, want := range map[string]string{"l": "../../etc/passwd", "b": "\xff\xfe", "long": long} {
			if got, err := d.Readlink(name); err != nil || got != want {
				t.Errorf("%s: Readlink(%q) = %q, %v", variant, name, got, err)
			}
		}
		for name, want := range map[string]error{"f": unix.EINVAL, "d": unix.EINVAL, ".": unix.EINVAL, "gone": fs.ErrNotExist} {
			if _, err := d.Readlink(name); !errors.Is(err, want) {
				t.Errorf("%s: Readlink(%q): got error %v, want %v", variant, name, err, want)
			}
		}
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	s := newSite(t, "file d/f inside")
	for variant, m := range variants() {
		d, err := open(s.in(), InRoot, m)
		must(t, err)
		sub, err := d.Dir("d", NoLinks)
		must(t, err)
		f, err := d.File("d/f")
		must(t, err)
		for range 2 {
			must(t, d.Close())
		}
		errs := map[string]error{}
		_, errs["File"] = d.File("d/f")
		_, errs["Follow"] = d.Follow("d/f")
		_, errs["Dir"] = d.Dir("d", InRoot)
		_, errs["FollowDir"] = d.FollowDir("d", InRoot)
		_, errs["Lstat"] = d.Lstat("")
		_, errs["Readlink"] = d.Readlink("d")
		_, errs["Xattrs"] = d.Xattrs("d")
		_, errs["Look"] = d.Look("d/f")
		_, errs["OpenDir"] = d.OpenDir("d")
		_, errs["Handle"] = d.Handle()
		_, errs["ReadInto"] = d.ReadInto("d/f", make([]byte, 6))
		errs["UseFile"] = d.UseFile("d/f", func(int, int64) error { return nil })
		_, errs["ReadFile"] = d.ReadFile("d/f", 10)
		for _, err := range d.ReadDir("") {
			errs["ReadDir"] = err
		}
		if len(errs) != 14 {
			t.Errorf("%s: ReadDir: no error", variant)
		}
		for what, err := range errs {
			var pathErr *fs.PathError
			if !errors.Is(err, fs.ErrClosed) || !errors.As(err, &pathErr) {
				t.Errorf("%s: %s: got error %v, want fs.ErrClosed", variant, what, err)
			}
		}
		if _, err := d.File("d//f"); !errors.Is(err, unix.EINVAL) || errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s: a malformed name: got error %v, want EINVAL", variant, err)
		}
		if got, err := readAll(f, nil); err != nil || got != "inside" {
			t.Errorf("%s: file of a closed Dir: %q, %v", variant, got, err)
		}
		if got, err := readAll(sub.File("f")); err != nil || got != "inside" {
			t.Errorf("%s: Dir of a closed Dir: %q, %v", variant, got, err)
		}
		must(t, sub.Close())
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	s := newSite(t, "file f x", "link l .")
	d, err := Open(filepath.Join(s.in(), "l"), NoLinks)
	must(t, err)
	defer d.Close()
	if want := filepath.Join(s.in(), "l"); d.Path() != want {
		t.Errorf("Path() = %q, want %q", d.Path(), want)
	}
	for name, want := range map[string]error{"f": unix.ENOTDIR, "gone": fs.ErrNotExist} {
		if _, err := Open(filepath.Join(s.in(), name), NoLinks); !errors.Is(err, want) {
			t.Errorf("Open(%q): got error %v, want %v", name, err, want)
		}
	}
	if _, err := Open(s.in(), Scope(7)); !errors.Is(err, unix.EINVAL) {
		t.Errorf("unknown scope: got error %v, want EINVAL", err)
	}
	if _, err := d.Dir("", Scope(-1)); !errors.Is(err, unix.EINVAL) {
		t.Errorf("unknown scope: got error %v, want EINVAL", err)
	}
	for what, err := range map[string]error{
		"Follow":    func() error { _, err := d.Follow("f"); return err }(),
		"FollowDir": func() error { _, err := d.FollowDir("", InRoot); return err }(),
	} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s in NoLinks: got error %v, want ErrUnsupported", what, err)
		}
	}
}

// TestErrorPath checks the names that people see.
func TestErrorPath(t *testing.T) {
	t.Parallel()
	s := newSite(t, "dir d")
	d := openSite(t, s, InRoot, detect())
	sub, err := d.Dir("/d", InRoot)
	must(t, err)
	defer sub.Close()
	for name, want := range map[string]string{"/x": s.in() + "/d/x", "x/y": s.in() + "/d/x/y", "/": s.in() + "/d"} {
		_, err := sub.File(name)
		var pathErr *fs.PathError
		if !errors.As(err, &pathErr) || pathErr.Path != want {
			t.Errorf("File(%q): %v, want path %q", name, err, want)
		}
	}
}

// TestDepth finds the limit of the walk.
func TestDepth(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("d/", maxDepth)
	s := newSite(t, "file "+deep+"f inside", "file "+deep+"d/f inside")
	d := openSite(t, s, NoLinks, means{walk: true, proc: detect().proc})
	checkOpen(t, "at the limit", d.File, deep+"f", "inside")
	checkOpen(t, "beyond", d.File, deep+"d/f", unix.ENAMETOOLONG)
}

// TestDescriptors counts descriptors after calls that succeed and that fail. It
// is not parallel, so no other test opens anything meanwhile.
func TestDescriptors(t *testing.T) {
	s := newSite(t, "file a/b/f inside", "fifo p", "link l a/b/../b", "link loop loop", "file n/"+strings.Repeat("d/", maxDepth+1)+"f")
	paths := []string{"a/b/f", "p", "l", "l/f", "loop", "loop/x", "gone", "a/gone/f", "a/b/f/g", "a/b/../..", "", "/", "a//b", "n/" + strings.Repeat("d/", maxDepth+1) + "f"}
	for variant, m := range variants() {
		d := openSite(t, s, InRoot, m)
		count := func() int {
			entries, err := os.ReadDir("/proc/self/fd")
			if err != nil {
				t.Skipf("no /proc: %v", err)
			}
			return len(entries)
		}
		runtime.GC()                    // files of earlier tests that nobody closed
		_, _ = d.ReadInto("a/b/f", nil) // the private mount stays
		before := count()
		for _, path := range paths {
			for _, open := range []func(string) (*os.File, error){d.File, d.Follow} {
				if f, err := open(path); err == nil {
					must(t, f.Close())
				}
			}
			for _, open := range []func(string, Scope) (*Dir, error){d.Dir, d.FollowDir} {
				if sub, err := open(path, NoLinks); err == nil {
					must(t, sub.Close())
				}
			}
			_, _ = d.Lstat(path)
			_, _ = d.Readlink(path)
			_, _ = d.Xattrs(path)
			_, _ = d.ReadFile(path, 1)
			_, _ = d.Look(path)
			_, _ = d.ReadInto(path, make([]byte, 6))
			_ = d.UseFile(path, func(int, int64) error { return errors.New("of the caller") })
			if fd, err := d.OpenDir(path); err == nil {
				must(t, unix.Close(fd))
			}
			for range d.ReadDir(path) {
				break
			}
		}
		if after := count(); after > before {
			t.Errorf("%s: %d descriptors before, %d after", variant, before, after)
		}
	}
}

// TestCloseRace closes Dirs in the middle of their use. If the descriptor's
// number were free before a lookup has ended, the lookup would fail with EBADF,
// or find the content of the directory opened next. Lookups are long, 100
// components, for Close to fall into them.
func TestCloseRace(t *testing.T) {
	t.Parallel()
	path := strings.Repeat("./", 100) + "f"
	s := newSite(t, "file 0/f 0", "file 1/f 1")
	for variant, m := range variants() {
		var all sync.WaitGroup
		for g := range 2 {
			want := name("", g)
			all.Go(func() {
				for range 25 {
					d, err := open(filepath.Join(s.in(), want), NoLinks, m)
					if err != nil {
						t.Error(err)
						return
					}
					var users sync.WaitGroup
					started := make(chan struct{}, 2)
					for range 2 {
						users.Go(func() {
							for n := 0; ; n++ {
								got, err := readAll(d.File(path))
								if n == 0 {
									started <- struct{}{}
								}
								if errors.Is(err, fs.ErrClosed) {
									return
								}
								if err != nil || got != want {
									t.Errorf("%s: read %q, %v, want %q", variant, got, err, want)
									return
								}
							}
						})
					}
					<-started
					<-started
					if err := d.Close(); err != nil {
						t.Error(err)
					}
					users.Wait()
				}
			})
		}
		all.Wait()
	}
}
