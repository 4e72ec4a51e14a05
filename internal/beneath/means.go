package beneath

import (
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// means says what the kernel grants. A Dir hands its own on to those opened
// through it.
type means struct {
	walk bool // openat2 is refused; names are walked
	proc int  // descriptor of /proc/self/fd, -1 if there is none
	// shared: no private mounts are made. Detected only when one is tried, so
	// nothing but tests sets it.
	shared bool
}

// detect finds out once per process. The descriptor of /proc/self/fd is kept
// until the process ends: opening below it saves an eighth of the time of
// [Dir.File], and a later chroot or unmount does not matter to that. It does to
// attributes, which are asked for by a path from the root: see viaProc.
var detect = sync.OnceValue(func() means {
	return means{walk: refusesOpenat2(), proc: openProc()}
})

// refusesOpenat2 asks for what no permission stands in the way of, so that EPERM
// can only be a filter's. A filter may choose any other errno; then plain
// openat tells whether it was the system call or the directory.
func refusesOpenat2() bool {
	const flags = unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC
	fd, err := openat2(unix.AT_FDCWD, ".", flags, InRoot)
	if err == nil {
		unix.Close(fd)
		return false
	}
	if err == unix.ENOSYS || err == unix.EPERM {
		return true
	}
	fd, err = openat(unix.AT_FDCWD, ".", flags)
	if err == nil {
		unix.Close(fd)
	}
	return err == nil
}

// openProc opens /proc/self/fd if a proc file system is there.
func openProc() int {
	fd, err := openat(unix.AT_FDCWD, "/proc/self/fd", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC)
	if err != nil {
		return -1
	}
	if !onProc(fd) {
		unix.Close(fd)
		return -1
	}
	return fd
}

// onProc reports whether fd lies on a proc file system.
func onProc(fd int) bool {
	var st unix.Statfs_t
	return unix.Fstatfs(fd, &st) == nil && st.Type == unix.PROC_SUPER_MAGIC
}

// procPath names the descriptor fd for system calls that take a path only.
func procPath(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }
