package libpoddb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/beneath"
)

// copied is a database as it was at one moment, in the bytes of its files.
type copied struct {
	file, journal, log []byte // journal: only one that was left behind
}

// snapshot returns the image of a database as it was at one moment, and how many bytes
// its files had. Locks are held while they are copied, and no longer.
func snapshot(ctx context.Context, dir cstor.StateDir, name string, wait time.Duration) (image []byte, size int, err error) {
	var c copied
	end := time.Now().Add(wait)
	err = unchanged(ctx, end, func() error {
		return dir.Use(name, func(file *os.File) error {
			return withShared(ctx, file, end, func() (err error) {
				c, err = consistent(ctx, dir, name, file, end)
				return err
			})
		})
	})
	if err != nil {
		return nil, 0, err
	}
	size = len(c.file) + len(c.journal) + len(c.log)
	image, err = imageOf(ctx, c)
	return image, size, err
}

// unchanged calls f again while it returns errChanged; once more at end, and then not any
// more.
func unchanged(ctx context.Context, end time.Time, f func() error) error {
	for pause := time.Millisecond; ; pause = min(pause*2, lastRetry) {
		if err := f(); !errors.Is(err, errChanged) {
			return err
		}
		left := time.Until(end)
		if left <= 0 {
			return ErrBusy
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(min(pause, left)):
		}
	}
}

// consistent copies while file, which is the database, is locked.
func consistent(ctx context.Context, dir cstor.StateDir, name string, file *os.File, end time.Time) (c copied, err error) {
	if c.file, err = readAll(file); err != nil || len(c.file) == 0 {
		return c, err
	}
	if hasLog(c.file) {
		return withLog(ctx, dir, name, file, end)
	}
	// A journal counts if nobody is at work with it: then it was left behind, and the file
	// may be half-written. Whoever comes next would put that right, but nobody can while we
	// have the lock (SQLite src/pager.c:hasHotJournal).
	busy, err := writer(file)
	if !busy && err == nil {
		c.journal, err = besides(dir, name+"-journal")
	}
	return c, err
}

// errChanged: what belongs together was not read at one moment.
var errChanged = errors.New("changed meanwhile")

// withLog reads a database that has a write-ahead log. Podman has made none by itself
// (seen: versions 5.4 and 5.8, journal mode "delete"), but a database keeps the mode that
// somebody once gave it.
//
// Writers do not need the file for themselves then, only bytes of the shared memory
// file. If that is not there nobody has the database open, and one who comes now is seen
// by what changes.
func withLog(ctx context.Context, dir cstor.StateDir, name string, file *os.File, end time.Time) (c copied, err error) {
	read := func() (err error) {
		if c.log, err = besides(dir, name+"-wal"); err == nil {
			c.file, err = readAll(file)
		}
		return err
	}
	err = dir.Use(name+"-shm", func(shm *os.File) error {
		if err := lock(ctx, shm, logBytes, end); err != nil {
			return err
		}
		defer unlock(shm, logBytes)
		return read()
	})
	if errors.Is(err, fs.ErrNotExist) {
		if err = read(); err == nil {
			err = same(dir, name, file, c)
		}
	}
	return c, err
}

// same reports by errChanged whether a database without shared memory file is still what
// was read.
func same(dir cstor.StateDir, name string, file *os.File, c copied) error {
	again, err := readAll(file)
	if err != nil {
		return err
	}
	logAgain, err := besides(dir, name+"-wal")
	if err != nil {
		return err
	}
	err = dir.Use(name+"-shm", func(*os.File) error { return errChanged })
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if !bytes.Equal(again, c.file) || !bytes.Equal(logAgain, c.log) {
		return errChanged
	}
	return nil
}

// besides reads a file beside the database, which nobody locks; one that is not there is
// empty.
func besides(dir cstor.StateDir, name string) ([]byte, error) {
	b, err := dir.ReadFile(name, maxFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case errors.Is(err, beneath.ErrTooLarge):
		return nil, fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	return b, err
}

func readAll(file *os.File) ([]byte, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &st); err != nil {
		return nil, err
	}
	if st.Size > maxFile {
		return nil, fmt.Errorf("%w: %d bytes, over the limit of %d", ErrTooLarge, st.Size, maxFile)
	}
	// Memory is taken as data arrives: the size may be that of a hole.
	b, err := io.ReadAll(io.NewSectionReader(file, 0, st.Size))
	if err == nil && int64(len(b)) != st.Size {
		err = errChanged
	}
	return b, err
}
