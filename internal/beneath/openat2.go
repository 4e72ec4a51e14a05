package beneath

import "golang.org/x/sys/unix"

// tries bounds the repetitions of a lookup that lost a race. The kernel gives
// EAGAIN, and on some paths EXDEV, when anything on the machine was renamed or
// mounted while it resolved a ".." (openat2(2)); each attempt is as good as the
// first.
const tries = 128

// openat2 opens name below root by the rules of scope, inside the kernel.
func openat2(root int, name string, flags int, scope Scope) (fd int, err error) {
	how := unix.OpenHow{Flags: uint64(flags), Resolve: scope.resolve()}
	if flags&unix.O_PATH == 0 {
		// openat adds this for 32-bit programs, openat2 does not; and with
		// O_PATH it refuses it.
		how.Flags |= unix.O_LARGEFILE
	}
	for range tries {
		fd, err = retry(func() (int, error) { return unix.Openat2(root, name, &how) })
		if err != unix.EAGAIN && err != unix.EXDEV {
			break
		}
	}
	return fd, err
}

// openat is [unix.Openat] without EINTR. It does not confine: name must be one
// component and flags have O_NOFOLLOW, or name be trusted.
func openat(dir int, name string, flags int) (int, error) {
	return retry(func() (int, error) { return unix.Openat(dir, name, flags, 0) })
}

// noatime calls open with O_NOATIME, and without where the kernel forbids that
// to those who do not own the file.
func noatime(flags int, open func(flags int) (int, error)) (int, error) {
	fd, err := open(flags | unix.O_NOATIME)
	if err == unix.EPERM {
		return open(flags)
	}
	return fd, err
}

// retry calls f until it is not interrupted by a signal, as package os does.
func retry(f func() (int, error)) (int, error) {
	for {
		n, err := f()
		if err != unix.EINTR {
			return n, err
		}
	}
}
