package beneath

import "golang.org/x/sys/unix"

// Lstat returns the status of the entry name; a final link is not followed.
// Nothing is opened, so it works on devices and on files that may not be read.
func (d *Dir) Lstat(name string) (unix.Stat_t, error) {
	pin, st, err := d.pin(name, unix.O_NOFOLLOW)
	if err != nil {
		return unix.Stat_t{}, d.wrap("lstat", name, err)
	}
	unix.Close(pin)
	return st, nil
}

// Readlink returns the target of the link name as it is stored: bytes that need
// not be UTF-8, at most 4095. If name is not a link, the error matches EINVAL.
func (d *Dir) Readlink(name string) (string, error) {
	pin, st, err := d.pin(name, unix.O_NOFOLLOW)
	if err != nil {
		return "", d.wrap("readlink", name, err)
	}
	defer unix.Close(pin)
	if st.Mode&unix.S_IFMT != unix.S_IFLNK {
		// The kernel says ENOENT for an empty path on anything but a link.
		return "", d.wrap("readlink", name, unix.EINVAL)
	}
	target, err := readlinkat(pin, "")
	if err != nil {
		return "", d.wrap("readlink", name, err)
	}
	return target, nil
}

// readlinkat returns the target of the link name in dir, or of the link that
// dir itself holds if name is empty.
func readlinkat(dir int, name string) (string, error) {
	var buf [unix.PathMax]byte
	n, err := retry(func() (int, error) { return unix.Readlinkat(dir, name, buf[:]) })
	switch {
	case err != nil:
		return "", err
	case n == len(buf): // cut off, perhaps
		return "", unix.ENAMETOOLONG
	}
	return string(buf[:n]), nil
}

// fstat is [unix.Fstat] without EINTR.
func fstat(fd int, st *unix.Stat_t) error {
	_, err := retry(func() (int, error) { return 0, unix.Fstat(fd, st) })
	return err
}
