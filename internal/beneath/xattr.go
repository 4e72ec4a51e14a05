package beneath

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

const (
	// smallXattr holds nearly all lists and values: an SELinux label, an
	// overlay mark, an owner override.
	smallXattr = 256
	// largeXattr is the kernel's limit for a list and for a value, in bytes
	// (XATTR_LIST_MAX and XATTR_SIZE_MAX).
	largeXattr = 64 << 10
	// maxXattrs bounds names and values of one entry together, in bytes. XFS
	// would let one file take 64 KiB for each of thousands of names.
	maxXattrs = 1 << 20
)

// Xattrs returns the extended attributes of the entry name itself, of a link
// those of the link; nil if it has none or the file system knows none. Those in
// the namespace trusted are seen with CAP_SYS_ADMIN only; the kernel does not
// say that it hides them. Attributes that vanish meanwhile are left out.
//
// More than 1 MiB of them is an error matching [ErrTooLarge]. Without /proc, an
// entry that is neither regular file nor directory gives an error matching
// [errors.ErrUnsupported], and the others must be readable. Where /proc was there and is
// not any more, by a chroot or an unmount, the error matches none.
func (d *Dir) Xattrs(name string) (map[string]string, error) {
	attrs, err := d.xattrs(name)
	if err != nil {
		return nil, d.wrap("listxattr", name, err)
	}
	return attrs, nil
}

func (d *Dir) xattrs(name string) (map[string]string, error) {
	pin, st, err := d.pin(name, unix.O_NOFOLLOW)
	if err != nil {
		return nil, err
	}
	defer unix.Close(pin)
	return d.pinXattrs(pin, &st, name)
}

// pinXattrs returns the attributes of what pin holds, with the status st.
func (d *Dir) pinXattrs(pin int, st *unix.Stat_t, name string) (map[string]string, error) {
	if d.means.proc >= 0 {
		// Not the l-variants: the last component is procfs's link, and what
		// it leads to is the entry itself even if that is a link again.
		path := procPath(pin)
		return readXattrs(
			func(buf []byte) (int, error) { return viaProc(unix.Listxattr(path, buf)) },
			func(key string, buf []byte) (int, error) { return viaProc(unix.Getxattr(path, key, buf)) },
		)
	}
	if t := st.Mode & unix.S_IFMT; t != unix.S_IFREG && t != unix.S_IFDIR {
		return nil, errors.ErrUnsupported
	}
	fd, err := d.reopen(pin, st, name, unix.O_NOFOLLOW)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return readXattrs(
		func(buf []byte) (int, error) { return unix.Flistxattr(fd, buf) },
		func(key string, buf []byte) (int, error) { return unix.Fgetxattr(fd, key, buf) },
	)
}

// errNoProc matches no errno, so that nobody takes it for the absence of the entry.
var errNoProc = errors.New("attributes are asked for through /proc/self/fd, which is not there any more")

// viaProc is what a system call says of a path of procPath. What that leads to is there,
// since a descriptor holds it, so it can only be the way that is missing.
func viaProc(n int, err error) (int, error) {
	if err == unix.ENOENT || err == unix.ENOTDIR {
		err = errNoProc
	}
	return n, err
}

// readXattrs collects the attributes that list names, with the values from get.
func readXattrs(list func([]byte) (int, error), get func(string, []byte) (int, error)) (map[string]string, error) {
	buf := make([]byte, smallXattr)
	names, err := grow(&buf, list)
	if err == unix.ENOTSUP {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var attrs map[string]string
	total := len(names)
	// A copy: values are read into the same buffer.
	for key := range bytes.SplitSeq(bytes.Clone(names), []byte{0}) {
		if len(key) == 0 {
			continue
		}
		value, err := grow(&buf, func(buf []byte) (int, error) { return get(string(key), buf) })
		// EOVERFLOW: capabilities that count for somebody whom our namespace does not
		// have (linux security/commoncap.c:cap_inode_getsecurity).
		if err == unix.ENODATA || err == unix.ENOTSUP || err == unix.EOVERFLOW {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("getxattr %q: %w", key, err)
		}
		if total += len(value); total > maxXattrs {
			return nil, fmt.Errorf("%w: extended attributes of more than %d bytes", ErrTooLarge, maxXattrs)
		}
		if attrs == nil {
			attrs = make(map[string]string)
		}
		attrs[string(key)] = string(value)
	}
	return attrs, nil
}

// grow calls read with buf, and a second time with the largest buffer if that
// was too small. Should this one be too small as well, then not by a race: the
// kernel itself gives no more.
func grow(buf *[]byte, read func([]byte) (int, error)) ([]byte, error) {
	n, err := retry(func() (int, error) { return read(*buf) })
	if err == unix.ERANGE && len(*buf) < largeXattr {
		*buf = make([]byte, largeXattr)
		n, err = retry(func() (int, error) { return read(*buf) })
	}
	if err != nil {
		return nil, err
	}
	return (*buf)[:n], nil
}
