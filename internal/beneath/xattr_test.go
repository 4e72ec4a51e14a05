package beneath

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestXattrs(t *testing.T) {
	t.Parallel()
	s := newSite(t, "file f x", "file none x", "dir d", "link l f", "fifo p")
	set := func(name, key, value string) {
		t.Helper()
		if err := unix.Lsetxattr(filepath.Join(s.in(), name), key, []byte(value), 0); err != nil {
			t.Skipf("file system or user without %s: %v", key, err)
		}
	}
	big := strings.Repeat("v", 1500) // more than the first buffer, less than an ext4 block
	set("f", "user.a", "1\x00\xff")
	set("f", "user.empty", "")
	set("f", "user.big", big)
	set("d", "user.overlay.opaque", "y")
	set("", "user.root", "r")
	want := map[string]map[string]string{
		"f": {"user.a": "1\x00\xff", "user.empty": "", "user.big": big},
		"d": {"user.overlay.opaque": "y"},
		"":  {"user.root": "r"},
	}
	for variant, m := range variants() {
		d := openSite(t, s, NoLinks, m)
		for name, want := range want {
			got, err := d.Xattrs(name)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%s: Xattrs(%q): %v, -want +got:\n%s", variant, name, err, diff)
			}
		}
		if got, err := d.Xattrs("none"); got != nil || err != nil {
			t.Errorf("%s: without attributes: got %v, %v, want nil", variant, got, err)
		}
		for _, name := range []string{"l", "p"} {
			got, err := d.Xattrs(name)
			if m.proc < 0 {
				if !errors.Is(err, errors.ErrUnsupported) {
					t.Errorf("%s: Xattrs(%q): got error %v, want ErrUnsupported", variant, name, err)
				}
			} else if got != nil || err != nil {
				t.Errorf("%s: Xattrs(%q) = %v, %v, want nil", variant, name, got, err)
			}
		}
	}
}

// TestXattrsOfLink reads those of a link, not of its target.
func TestXattrsOfLink(t *testing.T) {
	t.Parallel()
	s := newSite(t, "file f x", "link l f")
	for name, value := range map[string]string{"f": "file", "l": "link"} {
		if err := unix.Lsetxattr(filepath.Join(s.in(), name), "trusted.x", []byte(value), 0); err != nil {
			t.Skipf("trusted attributes need CAP_SYS_ADMIN: %v", err)
		}
	}
	d := openSite(t, s, NoLinks, detect())
	got, err := d.Xattrs("l")
	if diff := cmp.Diff(map[string]string{"trusted.x": "link"}, got); err != nil || diff != "" {
		t.Errorf("%v, -want +got:\n%s", err, diff)
	}
}

// TestXattrsWithoutProc asks after a chroot to where no /proc is: what is there must not
// look as if it were not.
func TestXattrsWithoutProc(t *testing.T) {
	t.Parallel()
	if detect().proc < 0 {
		t.Skip("no /proc")
	}
	for name, spec := range map[string]string{"no proc": "file f x", "a file": "file proc x"} {
		d := openSite(t, newSite(t, "file f x", "link l f"), NoLinks, detect())
		root := newSite(t, spec).in()
		errs := map[string]error{}
		var err error
		onOwnThread(func() {
			err = unix.Unshare(unix.CLONE_FS)
			if err == nil {
				err = unix.Chroot(root)
			}
			if err == nil {
				_, errs["Xattrs"] = d.Xattrs("f")
				_, errs["Look"] = d.Look("l")
				_, errs["absent"] = d.Look("gone")
			}
		})
		if err != nil {
			t.Skipf("chroot needs CAP_SYS_CHROOT: %v", err)
		}
		if !errors.Is(errs["absent"], fs.ErrNotExist) {
			t.Errorf("%s: absent: got error %v, want fs.ErrNotExist", name, errs["absent"])
		}
		for _, what := range []string{"Xattrs", "Look"} {
			if err := errs[what]; err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
				t.Errorf("%s: %s: got error %v, want one of its own", name, what, err)
			}
		}
	}
}

// onOwnThread calls f on a thread that ends with it: not the first of the process, whose
// root directory /proc/self shows.
func onOwnThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			onOwnThread(f) // on another one, as this is taken
			runtime.UnlockOSThread()
			return
		}
		f()
	}()
	<-done
}

// TestReadXattrs feeds the collecting loop what no test file system does.
func TestReadXattrs(t *testing.T) {
	t.Parallel()
	manyNames := strings.Repeat("user.a\x00", 100)
	list := func(names string, err error) func([]byte) (int, error) {
		return func(buf []byte) (int, error) {
			if err == nil && len(buf) < len(names) {
				return 0, unix.ERANGE
			}
			return copy(buf, names), err
		}
	}
	get := func(value []byte, err error) func(string, []byte) (int, error) {
		return func(key string, buf []byte) (int, error) {
			switch key {
			case "user.gone":
				return 0, unix.ENODATA
			case "security.capability":
				return 0, unix.EOVERFLOW
			}
			if err == nil && len(buf) < len(value) {
				return 0, unix.ERANGE
			}
			return copy(buf, value), err
		}
	}
	for _, test := range []struct {
		name string
		list func([]byte) (int, error)
		get  func(string, []byte) (int, error)
		want map[string]string
		err  error
	}{
		{"not supported", list("", unix.EOPNOTSUPP), nil, nil, nil},
		{"list fails", list("", unix.EACCES), nil, nil, unix.EACCES},
		{"vanishing name", list("user.gone\x00user.b\x00", nil), get([]byte("v"), nil), map[string]string{"user.b": "v"}, nil},
		{"capabilities for nobody here", list("security.capability\x00user.b\x00", nil), get([]byte("v"), nil), map[string]string{"user.b": "v"}, nil},
		{"no final NUL", list("user.b", nil), get([]byte("v"), nil), map[string]string{"user.b": "v"}, nil},
		{"value not readable", list("user.b\x00", nil), get(nil, unix.EACCES), nil, unix.EACCES},
		{"list grows for ever", list("", unix.ERANGE), nil, nil, unix.ERANGE},
		{"value grows for ever", list("user.b\x00", nil), get(nil, unix.ERANGE), nil, unix.ERANGE},
		{"list longer than the first buffer", list(manyNames, nil), get([]byte("v"), nil), map[string]string{"user.a": "v"}, nil},
		{"more than 1 MiB", list(manyNames, nil), get(bytes.Repeat([]byte{1}, largeXattr), nil), nil, ErrTooLarge},
	} {
		got, err := readXattrs(test.list, test.get)
		if diff := cmp.Diff(test.want, got); !errors.Is(err, test.err) || diff != "" {
			t.Errorf("%s: error %v, want %v; -want +got:\n%s", test.name, err, test.err, diff)
		}
	}
}
