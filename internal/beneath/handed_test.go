package beneath

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestHandle(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "f"), []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := Open(root, NoLinks)
	if err != nil {
		t.Fatal(err)
	}
	handle, err := d.Handle()
	if err != nil {
		t.Fatal(err)
	}
	defer handle.Close()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Handle(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("of a closed Dir: %v", err)
	}
	fd, err := unix.FcntlInt(handle.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	again, err := FromHandle(fd, "the root", NoLinks)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if b, err := again.ReadFile("f", 100); string(b) != "content" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	_, err = again.Lstat("nothing")
	if where := (*fs.PathError)(nil); !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &where) || where.Path != "the root/nothing" {
		t.Errorf("nothing: %v", err)
	}
	if _, err := again.Lstat("../" + filepath.Base(root)); !errors.Is(err, unix.EXDEV) {
		t.Errorf("it leads outside: %v", err)
	}
}

func TestFromHandleErrors(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "f"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path  string
		flags int
	}{
		"a file":              {root + "/f", unix.O_PATH},
		"an open file":        {root + "/f", unix.O_RDONLY},
		"a directory to read": {root, unix.O_RDONLY},
	} {
		fd, err := unix.Open(c.path, c.flags|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := FromHandle(fd, "x", NoLinks); !errors.Is(err, unix.ENOTDIR) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := FromHandle(-1, "x", NoLinks); !errors.Is(err, unix.EBADF) {
		t.Errorf("no descriptor: %v", err)
	}
	fd, err := unix.Open(root, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := FromHandle(fd, "x", 9); !errors.Is(err, unix.EINVAL) {
		t.Errorf("no scope: %v", err)
	}
}
