package beneath

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Dir is an open directory below which files are opened and above which
// none. Make one with [Open], [Dir.Dir] or [Dir.FollowDir]; the zero Dir is
// not usable.
//
// Its methods take names in the form that [Scope] describes and are safe for
// concurrent use, Close included. Every error is or wraps an [*fs.PathError]
// with a path for people, and matches the errno of the kernel, if it comes from
// there. After Close calls fail with [fs.ErrClosed], but for names and scopes that
// are refused whether the directory is open or not. Files and directories opened through a Dir stay
// valid after it is closed. A Dir that is no longer referenced is closed by the
// garbage collector.
type Dir struct {
	file    *os.File        // opened with O_PATH: no permission to read is needed
	conn    syscall.RawConn // of file; see open
	path    string
	scope   Scope
	means   means
	private private
}

// Open opens the directory that path names. The path is trusted, it comes from
// the user: links in it are followed, and the final component may be one. Names
// below are looked up by scope.
func Open(path string, scope Scope) (*Dir, error) {
	return open(path, scope, detect())
}

// open is Open with given means, so that tests can do without openat2 or /proc.
func open(path string, scope Scope, m means) (*Dir, error) {
	if err := scope.valid(); err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	fd, err := openat(unix.AT_FDCWD, path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return newDir(fd, path, scope, m)
}

// newDir takes over fd.
func newDir(fd int, path string, scope Scope, m means) (*Dir, error) {
	file := os.NewFile(uintptr(fd), path)
	conn, err := file.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &Dir{file: file, conn: conn, path: path, scope: scope, means: m}, nil
}

// Close releases the descriptor, at the latest when the last call in progress
// has ended. Closing twice is fine.
func (d *Dir) Close() error {
	for _, err := range []error{d.private.close(), d.file.Close()} {
		if err != nil && !errors.Is(err, fs.ErrClosed) {
			return err
		}
	}
	return nil
}

// Path returns the path by which d was opened. It is for messages only: the
// directory may have been renamed, and opening the path again is not confined.
func (d *Dir) Path() string { return d.path }

// Dir opens the directory name, whose final component must not be a link
// (ENOTDIR). The name is looked up by the scope of d; scope is that of the new
// Dir, whose root it is.
func (d *Dir) Dir(name string, scope Scope) (*Dir, error) {
	return d.subdir(name, scope, unix.O_NOFOLLOW)
}

// FollowDir is like [Dir.Dir] and follows a final link too, inside d. The scope
// of d must be [InRoot]; else the error matches [errors.ErrUnsupported].
func (d *Dir) FollowDir(name string, scope Scope) (*Dir, error) {
	if d.scope != InRoot {
		return nil, d.wrap("open", name, errors.ErrUnsupported)
	}
	return d.subdir(name, scope, 0)
}

func (d *Dir) subdir(name string, scope Scope, nofollow int) (*Dir, error) {
	if err := scope.valid(); err != nil {
		return nil, d.wrap("open", name, err)
	}
	fd, err := d.open(name, unix.O_PATH|unix.O_DIRECTORY|nofollow)
	if err != nil {
		return nil, d.wrap("open", name, err)
	}
	return newDir(fd, d.join(name), scope, d.means)
}

// OpenDir opens the directory name for reading, as [Dir.Dir] does for looking things up,
// and returns its descriptor, which the caller closes.
func (d *Dir) OpenDir(name string) (fd int, err error) {
	const flags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_NONBLOCK
	if fd, err = d.open(name, flags); err != nil {
		return -1, d.wrap("open", name, err)
	}
	return fd, nil
}

// open looks name up by the scope of d and opens it with flags. It is the only
// way from a name to a descriptor. The caller closes the descriptor and wraps
// the error.
//
// Control keeps the descriptor of d from being freed by a Close elsewhere while
// it is in use. Otherwise another file could take its number, and with that the
// place of the lookup's root; the number that Fd returns is not safe from it.
func (d *Dir) open(name string, flags int) (int, error) {
	if err := d.scope.check(name); err != nil {
		return -1, err
	}
	if isSelf(name) {
		name = "."
	}
	lookup := openat2
	if d.means.walk {
		lookup = walk
	}
	// Control itself fails for one reason, a closed file, which it reports by
	// values that do not all match fs.ErrClosed.
	fd, err := -1, fs.ErrClosed
	_ = d.conn.Control(func(root uintptr) {
		fd, err = lookup(int(root), name, flags|unix.O_CLOEXEC, d.scope)
	})
	return fd, err
}
