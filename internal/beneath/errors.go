package beneath

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/sys/unix"
)

var (
	// ErrNotRegular is matched by the error of opening a directory, link,
	// FIFO, socket or device where a regular file is wanted. The error also
	// matches EISDIR for a directory and ELOOP for a link.
	ErrNotRegular = errors.New("not a regular file")

	// ErrTooLarge is matched by the error of reading a file, or the extended
	// attributes of an entry, that exceed their limit.
	ErrTooLarge = errors.New("too large")
)

// notRegular returns the error for an entry with the given st_mode.
func notRegular(mode uint32) error {
	switch mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return fmt.Errorf("%w: %w", ErrNotRegular, unix.EISDIR)
	case unix.S_IFLNK:
		return fmt.Errorf("%w: symbolic link: %w", ErrNotRegular, unix.ELOOP)
	case unix.S_IFIFO:
		return fmt.Errorf("%w: named pipe", ErrNotRegular)
	case unix.S_IFSOCK:
		return fmt.Errorf("%w: socket", ErrNotRegular)
	}
	return fmt.Errorf("%w: device", ErrNotRegular)
}

// nameError says why a name was refused before the kernel saw it.
type nameError struct {
	reason string
	errno  unix.Errno
}

func (e *nameError) Error() string { return e.reason }
func (e *nameError) Unwrap() error { return e.errno }

// Is lets malformed names match [fs.ErrInvalid], which EINVAL alone does not.
func (e *nameError) Is(target error) bool {
	return target == fs.ErrInvalid && e.errno == unix.EINVAL
}

var (
	errNUL      = &nameError{"name contains NUL", unix.EINVAL}
	errEmpty    = &nameError{"name has an empty component", unix.EINVAL}
	errLong     = &nameError{"name is longer than 4095 bytes", unix.ENAMETOOLONG}
	errAbsolute = &nameError{"name is absolute", unix.EXDEV}
	errDotDot   = &nameError{`name has a component ".."`, unix.EXDEV}
)

// wrap gives err the operation and the readable path of name in d.
func (d *Dir) wrap(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: d.join(name), Err: err}
}

// join returns the readable path of name in d.
func (d *Dir) join(name string) string {
	if isSelf(name) {
		return d.path
	}
	return strings.TrimSuffix(d.path, "/") + "/" + strings.TrimPrefix(name, "/")
}
