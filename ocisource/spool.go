package ocisource

import (
	"context"
	"errors"
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

// spoolFile makes a file in dir that has no name, so that nothing is left of it whatever
// happens.
func spoolFile(dir string) (*os.File, error) {
	if dir == "" {
		dir = DefaultSpool()
	}
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
	file, err := spoolFile(l.src.opts.Spool)
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
