package ocicopy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// folder is a directory that is written to. It is held open, so that whatever becomes of
// its name, everything goes to the same place.
type folder struct {
	file *os.File
	path string
}

func openFolder(path string) (*folder, error) {
	fd, err := openAt(unix.AT_FDCWD, path, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return &folder{os.NewFile(uintptr(fd), path), path}, nil
}

// sub opens a directory below, which it makes if it is not there.
func (f *folder) sub(name string) (*folder, error) {
	path := filepath.Join(f.path, name)
	if err := again(func() error { return unix.Mkdirat(f.fd(), name, 0o777) }); err != nil && !errors.Is(err, unix.EEXIST) {
		return nil, &fs.PathError{Op: "mkdir", Path: path, Err: err}
	}
	fd, err := openAt(f.fd(), name, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return &folder{os.NewFile(uintptr(fd), path), path}, nil
}

// openAt is openat(2), again if a signal interrupts it. What it makes may be read and
// written by whom the umask leaves.
func openAt(dir int, name string, flags int) (fd int, err error) {
	err = again(func() error {
		fd, err = unix.Openat(dir, name, flags|unix.O_CLOEXEC, 0o666)
		return err
	})
	return fd, err
}

// again repeats a system call as long as signals interrupt it, as some network file systems
// and FUSE let them.
func again(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func (f *folder) fd() int      { return int(f.file.Fd()) }
func (f *folder) close() error { return f.file.Close() }

// open opens a regular file for reading. Something else is an error, and does not block.
func (f *folder) open(name string) (*os.File, int64, error) {
	path := filepath.Join(f.path, name)
	fd, err := openAt(f.fd(), name, unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return nil, 0, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	file := os.NewFile(uintptr(fd), path)
	st, err := file.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: errors.New("not a regular file")}
	}
	if err != nil {
		_ = file.Close() // was only opened
		return nil, 0, err
	}
	return file, st.Size(), nil
}

// part is a new file that has no valid name yet.
type part struct {
	*os.File
	in   *folder
	name string // for the time being; "" for a file without a name
}

// create makes a new file. The caller commits it, and drops it in any case.
func (f *folder) create() (*part, error) {
	if unix.Access("/proc/self/fd", unix.X_OK) == nil { // by which it will get a name
		fd, err := openAt(f.fd(), ".", unix.O_TMPFILE|unix.O_RDWR)
		switch {
		case err == nil:
			return &part{File: os.NewFile(uintptr(fd), f.path+"/(new file)"), in: f}, nil
		case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EISDIR), errors.Is(err, unix.EINVAL): // the file system, or the kernel
		default:
			return nil, &fs.PathError{Op: "make a file in", Path: f.path, Err: err}
		}
	}
	return f.createNamed()
}

func (f *folder) createNamed() (*part, error) {
	p := &part{in: f}
	err := f.unused(func(name string) error {
		fd, err := openAt(f.fd(), name, unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_RDWR)
		if err == nil {
			p.File, p.name = os.NewFile(uintptr(fd), filepath.Join(f.path, name)), name
		}
		return err
	})
	if err != nil {
		return nil, &fs.PathError{Op: "make a file in", Path: f.path, Err: err}
	}
	return p, nil
}

// unused calls use with names until one is not taken.
func (f *folder) unused(use func(name string) error) error {
	for n := range 1000 {
		if err := use(fmt.Sprintf(".cstor-%d-%s.part", os.Getpid(), strconv.Itoa(n))); !errors.Is(err, unix.EEXIST) {
			return err
		}
	}
	return unix.EEXIST
}

// commit gives the file a name in a folder of the same file system, in the place of what
// has it, at once.
func (p *part) commit(in *folder, name string) error {
	failed := func(err error) error {
		return &fs.PathError{Op: "complete", Path: filepath.Join(in.path, name), Err: err}
	}
	if p.name == "" {
		link := func(as string) error {
			return again(func() error {
				return unix.Linkat(unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(int(p.Fd())), in.fd(), as, unix.AT_SYMLINK_FOLLOW)
			})
		}
		switch err := link(name); {
		case err == nil:
			return nil
		case !errors.Is(err, unix.EEXIST): // only a rename replaces what is there
			return failed(err)
		}
		if err := in.unused(func(as string) error {
			err := link(as)
			if err == nil {
				p.in, p.name = in, as
			}
			return err
		}); err != nil {
			return failed(err)
		}
	}
	if err := again(func() error { return unix.Renameat(p.in.fd(), p.name, in.fd(), name) }); err != nil {
		return failed(err)
	}
	p.name = ""
	return nil
}

// drop closes the file and removes it unless it was committed.
func (p *part) drop() {
	if p.name != "" {
		_ = unix.Unlinkat(p.in.fd(), p.name, 0) // nothing better can be done
		p.name = ""
	}
	_ = p.Close()
}
