package ocicopy

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/transfer"
)

// pass writes the whole tar to what is no regular file.
func (t *tarFile) pass(ctx context.Context) error {
	to, err := openSink(ctx, t.target)
	if err != nil {
		return err
	}
	// Who reads a FIFO may stop doing so without closing it.
	stop := context.AfterFunc(ctx, func() { _ = to.SetWriteDeadline(time.Unix(1, 0)) }) // not of all devices
	defer stop()
	_, err = transfer.Copy(to, t.File, 0, t.end+1024, func(int64) error { return context.Cause(ctx) })
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = context.Cause(ctx)
	}
	return errors.Join(err, to.Close())
}

// openSink opens what is no regular file for writing. A FIFO opens when somebody reads it,
// and until then ctx counts.
func openSink(ctx context.Context, name string) (*os.File, error) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		fd, err := openAt(unix.AT_FDCWD, name, unix.O_WRONLY|unix.O_NONBLOCK)
		switch {
		case err == nil:
			return newSink(fd, name)
		case !errors.Is(err, unix.ENXIO) || !isFIFO(name): // a device that has no driver says so too
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-tick.C:
		}
	}
}

func isFIFO(name string) bool {
	st, err := os.Stat(name)
	return err == nil && st.Mode()&fs.ModeNamedPipe != 0
}

// newSink leaves waiting to the runtime where that can wait for such a file, so that
// deadlines count, and to the kernel elsewhere.
func newSink(fd int, name string) (*os.File, error) {
	f := os.NewFile(uintptr(fd), name)
	if errors.Is(f.SetWriteDeadline(time.Time{}), os.ErrNoDeadline) {
		if err := unix.SetNonblock(fd, false); err != nil {
			_ = f.Close() // nothing was written
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
	}
	return f, nil
}
