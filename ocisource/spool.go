package ocisource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor"
)

// DefaultSpool is the directory that an empty Options.Spool stands for.
func DefaultSpool() string {
	if dir := os.Getenv("TMPDIR"); dir != "" {
		return dir
	}
	return "/var/tmp" // /tmp is memory on many machines
}

func (s *Source) spool() string {
	if s.opts.Spool == "" {
		return DefaultSpool()
	}
	return s.opts.Spool
}

// checkSpool refuses a spool in a store of the image.
func (s *Source) checkSpool() error {
	dir := s.spool()
	root, err := s.image.InStore(dir)
	if err == nil && root != "" {
		err = &fs.PathError{Op: "make a file in", Path: dir, Err: fmt.Errorf("%w: %s", ErrInStore, root)}
	}
	return err
}

// spoolFile makes a file in the spool that has no name, so that nothing is left of it
// whatever happens.
func (s *Source) spoolFile() (*os.File, error) {
	if err := s.checkSpool(); err != nil {
		return nil, err
	}
	dir := s.spool()
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	switch {
	case err == nil:
		return os.NewFile(uintptr(fd), dir), nil
	case !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EISDIR) && !errors.Is(err, unix.EINVAL):
		return nil, &fs.PathError{Op: "make a file in", Path: dir, Err: err}
	}
	f, err := os.CreateTemp(dir, ".cstor-spool-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// respool returns the spool of a compressed layer. One that was only written is compressed
// into the spool now, and has to become the same blob.
func (l *Layer) respool(ctx context.Context, want v1.Descriptor) (*os.File, error) {
	if file := l.spooled(); file != nil {
		return file, nil
	}
	if err := l.acquire(ctx); err != nil {
		return nil, err
	}
	defer l.release()
	if file := l.spooled(); file != nil {
		return file, nil
	}
	file, err := l.src.spoolFile()
	if err != nil {
		return nil, err
	}
	d, err := l.produce(ctx, file, nil)
	switch {
	case err != nil:
	case d.Digest != want.Digest:
		err = l.fail(&cstor.MismatchError{What: "compressed again", Want: want.Digest.String(), Got: d.Digest.String()})
	default:
		err = l.know(d, file)
	}
	if err != nil {
		_ = file.Close() // and it is gone
		return nil, err
	}
	return file, nil
}

// writeSpool writes a blob from the spool to w.
func (l *Layer) writeSpool(ctx context.Context, w io.Writer, file *os.File, progress func(int64)) (v1.Descriptor, error) {
	l.mu.Lock()
	d, size := l.desc, l.size
	l.mu.Unlock()
	blob := io.NewSectionReader(file, 0, d.Size)
	for left := d.Size; left > 0; {
		if err := context.Cause(ctx); err != nil {
			return v1.Descriptor{}, err
		}
		n, err := io.CopyN(w, blob, min(left, 1<<20))
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return v1.Descriptor{}, l.fail(err)
		}
		left -= n
	}
	if progress != nil {
		progress(size)
	}
	return d, nil
}
