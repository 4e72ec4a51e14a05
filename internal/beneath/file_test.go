package beneath

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func name(prefix string, i int) string { return fmt.Sprintf("%s%d", prefix, i) }

func TestFIFO(t *testing.T) {
	t.Parallel()
	s := newSite(t, "fifo p")
	path := filepath.Join(s.in(), "p")

	opened := make(chan error, 1)
	go func() {
		f, err := os.Open(path)
		if err == nil {
			err = f.Close()
		}
		opened <- err
	}()
	select {
	case err := <-opened:
		t.Fatalf("unguarded: os.Open returned (%v) where it should block", err)
	case <-time.After(100 * time.Millisecond):
	}
	for variant, m := range variants() {
		t.Run(variant, func(t *testing.T) {
			d := openSite(t, s, InRoot, m)
			done := make(chan error, 2)
			go func() {
				_, err := d.File("p")
				done <- err
				_, err = d.ReadFile("p", 10)
				done <- err
			}()
			for range 2 {
				select {
				case err := <-done:
					if !errors.Is(err, ErrNotRegular) {
						t.Errorf("got error %v, want ErrNotRegular", err)
					}
				case <-time.After(10 * time.Second):
					t.Fatal("blocked")
				}
			}
		})
	}
	w, err := os.OpenFile(path, os.O_WRONLY, 0) // lets the blocked os.Open go
	must(t, err)
	must(t, <-opened)
	must(t, w.Close())
}

// TestOpensNothing watches a directory for open events: File must refuse a FIFO
// or device without opening it.
func TestOpensNothing(t *testing.T) {
	t.Parallel()
	for _, spec := range []string{"fifo x", "whiteout x", "null x", "sock x", "file x inside"} {
		t.Run(spec, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, spec)
			watch, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
			must(t, err)
			defer unix.Close(watch)
			_, err = unix.InotifyAddWatch(watch, filepath.Join(s.in(), "x"), unix.IN_OPEN)
			must(t, err)
			events := func() int {
				n, err := unix.Read(watch, make([]byte, 4096))
				if err == unix.EAGAIN {
					return 0
				}
				must(t, err)
				return n / unix.SizeofInotifyEvent
			}
			for variant, m := range variants() {
				d := openSite(t, s, InRoot, m)
				for _, open := range []func(string) (*os.File, error){d.File, d.Follow} {
					f, err := open("x")
					if err == nil {
						must(t, f.Close())
					}
				}
				_, _ = d.Lstat("x")
				_, _ = d.Xattrs("x")
				_, _ = d.Readlink("x")
				if n := events(); (n > 0) != (spec == "file x inside") {
					t.Errorf("%s: %d open events", variant, n)
				}
			}
			// A socket cannot be opened, a device without driver neither.
			if spec == "fifo x" || spec == "null x" {
				f, err := os.OpenFile(filepath.Join(s.in(), "x"), unix.O_RDONLY|unix.O_NONBLOCK, 0)
				must(t, err)
				must(t, f.Close())
				if events() == 0 {
					t.Error("unguarded: the watch sees nothing")
				}
			}
		})
	}
}

func TestReadFile(t *testing.T) {
	t.Parallel()
	s := newSite(t, "file empty", "file ten 0123456789", "link l ten")
	must(t, os.WriteFile(filepath.Join(s.in(), "big"), make([]byte, 3<<20), 0o644))
	must(t, os.WriteFile(filepath.Join(s.in(), "sparse"), nil, 0o644))
	must(t, os.Truncate(filepath.Join(s.in(), "sparse"), 1<<40))
	for variant, m := range variants() {
		d := openSite(t, s, NoLinks, m)
		for _, test := range []struct {
			name  string
			limit int64
			size  int
			err   error
		}{
			{"empty", 0, 0, nil},
			{"ten", 0, 0, ErrTooLarge},
			{"ten", -1, 0, ErrTooLarge},
			{"ten", 9, 0, ErrTooLarge},
			{"ten", 10, 10, nil},
			{"ten", 1<<63 - 1, 10, nil},
			{"big", 3 << 20, 3 << 20, nil},
			{"big", 3<<20 - 1, 0, ErrTooLarge},
			{"sparse", 1 << 20, 0, ErrTooLarge},
			{"l", 10, 0, ErrNotRegular},
			{"gone", 10, 0, fs.ErrNotExist},
		} {
			data, err := d.ReadFile(test.name, test.limit)
			var pathErr *fs.PathError
			if len(data) != test.size || !errors.Is(err, test.err) || err != nil && !errors.As(err, &pathErr) {
				t.Errorf("%s: ReadFile(%q, %d): %d bytes, %v, want %d, %v",
					variant, test.name, test.limit, len(data), err, test.size, test.err)
			}
		}
	}
}

// TestReadFileGrows reads files of procfs, whose size is 0 and content is not,
// as of a file that grows after its size was taken.
func TestReadFileGrows(t *testing.T) {
	t.Parallel()
	d, err := Open("/proc", InRoot)
	if err != nil {
		t.Skipf("no /proc: %v", err)
	}
	defer d.Close()
	data, err := d.ReadFile("version", 1<<16)
	if err != nil || len(data) == 0 {
		t.Fatalf("got %d bytes, %v", len(data), err)
	}
	if _, err := d.ReadFile("version", int64(len(data))); err != nil {
		t.Errorf("limit as long as the file: %v", err)
	}
	if _, err := d.ReadFile("version", int64(len(data)-1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("limit one byte shorter: got error %v, want ErrTooLarge", err)
	}
}

// TestAccessTime reads a file and lists a directory whose access times are so
// old that relatime would renew them.
func TestAccessTime(t *testing.T) {
	t.Parallel()
	old := time.Unix(1_000_000_000, 0)
	for variant, m := range variants() {
		t.Run(variant, func(t *testing.T) {
			s := newSite(t, "file d/f inside")
			dir, file := filepath.Join(s.in(), "d"), filepath.Join(s.in(), "d/f")
			for _, path := range []string{dir, file} {
				must(t, os.Chtimes(path, old, time.Now()))
			}
			atime := func(d *Dir, name string) int64 {
				st, err := d.Lstat(name)
				must(t, err)
				return int64(st.Atim.Sec)
			}
			d := openSite(t, s, NoLinks, m)
			_, err := d.ReadFile("d/f", 100)
			must(t, err)
			for _, err := range d.ReadDir("d") {
				must(t, err)
			}
			_, err = d.Xattrs("d/f")
			must(t, err)
			for _, name := range []string{"d", "d/f"} {
				if got := atime(d, name); got != old.Unix() {
					t.Errorf("%s: access time changed to %d", name, got)
				}
			}
			_, err = os.ReadFile(file)
			must(t, err)
			if atime(d, "d/f") == old.Unix() {
				t.Skip("file system mounted noatime: unguarded reading leaves access times alone too")
			}
		})
	}
}

// TestLease holds a write lease, which makes a plain open wait for as long as
// /proc/sys/fs/lease-break-time says.
func TestLease(t *testing.T) {
	t.Parallel()
	s := newSite(t, "file f inside")
	for variant, m := range variants() {
		t.Run(variant, func(t *testing.T) {
			f, err := os.OpenFile(filepath.Join(s.in(), "f"), os.O_RDWR, 0)
			must(t, err)
			defer f.Close()
			if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
				t.Skipf("file system without leases: %v", err)
			}
			d := openSite(t, s, NoLinks, m)
			start := time.Now()
			if _, err := d.File("f"); !errors.Is(err, unix.EAGAIN) {
				t.Errorf("got error %v, want EAGAIN", err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("waited %v for the lease", took)
			}
		})
	}
}

// TestExchanged replaces a file between the look at it and its opening.
func TestExchanged(t *testing.T) {
	t.Parallel()
	for variant, m := range variants() {
		t.Run(variant, func(t *testing.T) {
			s := newSite(t, "file f first", "file g second")
			d := openSite(t, s, NoLinks, m)
			pin, st, err := d.pin("f", unix.O_NOFOLLOW)
			must(t, err)
			defer unix.Close(pin)
			must(t, os.Rename(filepath.Join(s.in(), "g"), filepath.Join(s.in(), "f")))
			fd, err := d.reopen(pin, &st, "f", unix.O_NOFOLLOW)
			if m.proc < 0 {
				if !errors.Is(err, unix.ESTALE) {
					t.Errorf("got error %v, want ESTALE", err)
				}
				return
			}
			must(t, err)
			got, err := readAll(os.NewFile(uintptr(fd), "f"), nil)
			if err != nil || got != "first" {
				t.Errorf("read %q, %v, want the file that was looked at", got, err)
			}
		})
	}
}

// TestNotOwner opens files of another user, for which O_NOATIME is refused.
func TestNotOwner(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may use O_NOATIME on every file")
	}
	d, err := Open("/etc", InRoot)
	must(t, err)
	defer d.Close()
	data, err := d.ReadFile("passwd", 1<<20)
	if err != nil || !strings.Contains(string(data), "root") {
		t.Errorf("got %d bytes, %v", len(data), err)
	}
	for _, err := range d.ReadDir("") {
		must(t, err)
	}
}
