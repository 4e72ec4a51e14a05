package beneath

import (
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// private is a mount of the Dir's tree that nobody else sees, made when it is first
// needed, and by the kernel's word read-only and without devices. The zero value is
// ready to use.
type private struct {
	once sync.Once
	file *os.File // nil if it cannot be had
	conn syscall.RawConn
}

// openPrivate makes the mount: for a process with CAP_SYS_ADMIN over its mount
// namespace, from Linux 5.12 on (open_tree(2), mount_setattr(2)). Mounts inside the
// tree are part of it. It ends with the descriptor.
func (d *Dir) openPrivate() {
	if d.means.walk || d.means.shared {
		return
	}
	fd := -1
	_ = d.conn.Control(func(root uintptr) { // fails for a closed Dir only
		got, err := unix.OpenTree(int(root), "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH|unix.AT_RECURSIVE)
		if err == nil {
			fd = got
		}
	})
	if fd < 0 {
		return
	}
	err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &unix.MountAttr{
		Attr_set:    unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC | unix.MOUNT_ATTR_NOATIME,
		Attr_clr:    unix.MOUNT_ATTR__ATIME,
		Propagation: unix.MS_PRIVATE,
	})
	if err != nil {
		unix.Close(fd)
		return
	}
	file := os.NewFile(uintptr(fd), d.path)
	conn, err := file.SyscallConn()
	if err != nil {
		_ = file.Close() // was only opened
		return
	}
	d.private.file, d.private.conn = file, conn
}

// openDirectly opens name without looking at it first, through the private mount,
// where a device is not opened whatever it is named. It may open a FIFO, and does
// not wait for its other end. ok is false where there is no such mount, or name is
// not a regular file that can be opened: then [Dir.File] tells why.
func (d *Dir) openDirectly(name string) (fd int, st unix.Stat_t, ok bool) {
	d.private.once.Do(d.openPrivate)
	if d.private.conn == nil || d.scope.check(name) != nil || isSelf(name) {
		return -1, st, false
	}
	fd, err := -1, error(unix.EBADF)
	_ = d.private.conn.Control(func(root uintptr) { // fails for a closed Dir only
		fd, err = openat2(int(root), name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_NOFOLLOW|unix.O_CLOEXEC, d.scope)
	})
	if err != nil {
		return -1, st, false
	}
	if fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		unix.Close(fd)
		return -1, st, false
	}
	return fd, st, true
}

// close ends the mount.
func (p *private) close() error {
	p.once.Do(func() {}) // nor is one made afterwards
	if p.file == nil {
		return nil
	}
	return p.file.Close()
}
