package beneath

import (
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Handle returns a second descriptor of the directory, to be handed to another process,
// which makes a Dir of it with [FromHandle]. The caller closes it.
func (d *Dir) Handle() (*os.File, error) {
	fd, err := -1, fs.ErrClosed
	_ = d.conn.Control(func(root uintptr) { // fails for a closed Dir only
		fd, err = retry(func() (int, error) { return unix.FcntlInt(root, unix.F_DUPFD_CLOEXEC, 3) })
	})
	if err != nil {
		return nil, d.wrap("open", "", err)
	}
	return os.NewFile(uintptr(fd), d.path), nil
}

// FromHandle makes a Dir of a descriptor that was opened with O_PATH. It takes the
// descriptor over, also if it returns an error: that it is not such a one of a directory
// (ENOTDIR), or that the scope is none. The path is for messages.
func FromHandle(fd int, path string, scope Scope) (*Dir, error) {
	err := scope.valid()
	if err == nil {
		err = isHandle(fd)
	}
	if err != nil {
		unix.Close(fd)
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return newDir(fd, path, scope, detect())
}

func isHandle(fd int) error {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return err
	}
	var st unix.Stat_t
	if err := fstat(fd, &st); err != nil {
		return err
	}
	if flags&unix.O_PATH == 0 || st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return unix.ENOTDIR
	}
	return nil
}
