package ocicopy

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// lock takes the exclusive flock of the directory, or, where directories have none (NFS),
// of the layout file, and waits for it. It leaves nothing behind, and ends with the
// process.
func (f *folder) lock(ctx context.Context) (unlock func(), err error) {
	failed := func(err error) error { return &fs.PathError{Op: "lock", Path: f.path, Err: err} }
	// A descriptor of its own: what locks is the open file description.
	name, flags := ".", unix.O_RDONLY|unix.O_DIRECTORY
	for {
		fd, err := openAt(f.fd(), name, flags|unix.O_NONBLOCK)
		if err != nil {
			return nil, failed(err)
		}
		err = flock(ctx, fd, unix.LOCK_EX)
		if err == nil {
			return func() { unix.Close(fd) }, nil
		}
		unix.Close(fd)
		if name != "." || !errors.Is(err, unix.EBADF) && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EOPNOTSUPP) {
			return nil, failed(err)
		}
		name, flags = layoutFile, unix.O_RDWR|unix.O_NOFOLLOW
	}
}

// flock waits for a lock; if ctx has ended, it tries once.
func flock(ctx context.Context, fd, how int) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		switch err := unix.Flock(fd, how|unix.LOCK_NB); err {
		case unix.EINTR:
		case unix.EWOULDBLOCK:
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-tick.C:
			}
		default:
			return err
		}
	}
}

// write writes a small file, which is on disk when it gets its name.
func (f *folder) write(name string, raw []byte) error {
	p, err := f.create()
	if err != nil {
		return err
	}
	defer p.drop()
	if _, err = p.Write(raw); err == nil {
		err = p.Sync()
	}
	if err != nil {
		return &fs.PathError{Op: "write", Path: filepath.Join(f.path, name), Err: cause(err)}
	}
	return p.commit(f, name)
}
