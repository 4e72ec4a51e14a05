package beneath

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// privately opens a site and its private mount.
func privately(t *testing.T, s site, scope Scope) (d *Dir, root int) {
	t.Helper()
	d = openSite(t, s, scope, detect())
	d.private.once.Do(d.openPrivate)
	if d.private.file == nil {
		if os.Geteuid() == 0 && !d.means.walk && mayMount() {
			t.Fatal("root has no private mount")
		}
		t.Skip("a private mount needs CAP_SYS_ADMIN and Linux 5.12")
	}
	return d, int(d.private.file.Fd())
}

// mayMount asks for what a private mount is made by.
func mayMount() bool {
	fd, err := unix.OpenTree(unix.AT_FDCWD, "/", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	return unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}) == nil
}

// TestPrivate: what the kernel promises of the mount by which files are opened
// without being looked at first.
func TestPrivate(t *testing.T) {
	t.Parallel()
	s := newSite(t, "file f inside", "null n", "fifo p", "link l f", "dir d", "sock s")
	d, root := privately(t, s, NoLinks)
	for name, want := range map[string]unix.Errno{"n": unix.EACCES, "l": unix.ELOOP, "s": unix.ENXIO} {
		if fd, err := openat2(root, name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC, NoLinks); err != want {
			unix.Close(fd)
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	if _, err := unix.Openat(root, "f", unix.O_WRONLY|unix.O_CLOEXEC, 0); err != unix.EROFS {
		t.Errorf("opening for writing: %v", err)
	}
	for _, name := range []string{"n", "p", "l", "d", "s", "gone", "../out/secret", ""} {
		if fd, _, ok := d.openDirectly(name); ok {
			unix.Close(fd)
			t.Errorf("%q was opened", name)
		}
		if _, err := d.ReadInto(name, nil); err == nil {
			t.Errorf("ReadInto(%q): no error", name)
		}
	}
	fd, st, ok := d.openDirectly("f")
	if !ok || st.Size != 6 {
		t.Fatalf("f was not opened, or has %d bytes", st.Size)
	}
	unix.Close(fd)
	check := func(when string, want int64) {
		st, err := d.Lstat("f")
		if must(t, err); int64(st.Atim.Sec) != want {
			t.Errorf("%s: accessed at %d, want %d", when, st.Atim.Sec, want)
		}
	}
	old := unix.Timespec{Sec: 1e9}
	must(t, unix.UtimesNanoAt(unix.AT_FDCWD, filepath.Join(s.in(), "f"), []unix.Timespec{old, old}, 0))
	_, err := d.ReadInto("f", make([]byte, 6))
	must(t, err)
	check("read", int64(old.Sec))
	if data, err := os.ReadFile("/proc/self/mountinfo"); err == nil && strings.Contains(string(data), s.in()) {
		t.Error("others see the mount")
	}
	must(t, d.Close())
	if _, err := d.ReadInto("f", make([]byte, 6)); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	d, _ = privately(t, s, InRoot)
	if _, _, ok := d.openDirectly("l"); ok {
		t.Error("a link was followed")
	}
}

// TestClosedBeforeFirstUse: Close comes before the mount is made.
func TestClosedBeforeFirstUse(t *testing.T) {
	t.Parallel()
	d, err := Open(newSite(t, "file f inside").in(), InRoot)
	must(t, err)
	must(t, d.Close())
	if _, err := d.ReadInto("f", make([]byte, 6)); !errors.Is(err, fs.ErrClosed) || d.private.file != nil {
		t.Errorf("closed: %v", err)
	}
}
