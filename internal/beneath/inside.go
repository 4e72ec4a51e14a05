package beneath

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// Inside returns the index of the one of roots that the directory dir of this machine is,
// or lies below, by whatever links; -1 if it is none. It goes up from dir by its "..", so
// that what a mount shows of the inside of a root is not found. The path is trusted, as
// that of [Open] is.
func Inside(dir string, roots []*Dir) (n int, err error) {
	known := make([]unix.Stat_t, len(roots))
	for n, root := range roots {
		if known[n], err = root.Lstat("."); err != nil {
			return -1, err
		}
	}
	const flags = unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC
	fd, err := openat(unix.AT_FDCWD, dir, flags)
	if err != nil {
		return -1, &fs.PathError{Op: "open", Path: dir, Err: err}
	}
	defer func() { unix.Close(fd) }()
	for last := (unix.Stat_t{}); ; {
		var st unix.Stat_t
		if err := fstat(fd, &st); err != nil {
			return -1, &fs.PathError{Op: "stat", Path: dir, Err: err}
		}
		if st.Dev == last.Dev && st.Ino == last.Ino { // the parent of the root is the root
			return -1, nil
		}
		for n, root := range known {
			if st.Dev == root.Dev && st.Ino == root.Ino {
				return n, nil
			}
		}
		up, err := openat(fd, "..", flags)
		if err != nil {
			return -1, &fs.PathError{Op: "open parent of", Path: dir, Err: err}
		}
		unix.Close(fd)
		fd, last = up, st
	}
}
