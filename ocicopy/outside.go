package ocicopy

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// outside refuses a directory that lies in one of the stores. It need not be there yet:
// then the first directory above counts that is.
func outside(dir string, roots []string) error {
	var inside []unix.Stat_t
	for _, root := range roots {
		var st unix.Stat_t
		if unix.Stat(root, &st) == nil { // else nothing can be inside it
			inside = append(inside, st)
		}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	at := dir
	fd, err := unix.Open(at, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	for errors.Is(err, fs.ErrNotExist) && at != "/" {
		at = filepath.Dir(at)
		fd, err = unix.Open(at, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return &fs.PathError{Op: "open", Path: at, Err: err}
	}
	defer func() { unix.Close(fd) }()
	for last := (unix.Stat_t{}); ; {
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			return &fs.PathError{Op: "stat", Path: dir, Err: err}
		}
		if st.Dev == last.Dev && st.Ino == last.Ino {
			return nil
		}
		for _, store := range inside {
			if st.Dev == store.Dev && st.Ino == store.Ino {
				return &fs.PathError{Op: "copy to", Path: dir, Err: ErrInStore}
			}
		}
		up, err := unix.Openat(fd, "..", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return &fs.PathError{Op: "open parent of", Path: dir, Err: err}
		}
		unix.Close(fd)
		fd, last = up, st
	}
}

// makeDirs makes a directory and those above it, and returns the first that it made.
func makeDirs(dir string) (made string, err error) {
	for at := filepath.Clean(dir); ; at = filepath.Dir(at) {
		if _, err := os.Lstat(at); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		made = at
	}
	return made, os.MkdirAll(dir, 0o777)
}
