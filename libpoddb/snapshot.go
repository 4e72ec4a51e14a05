package libpoddb

import (
	"context"
	"encoding/binary"
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

const (
	headerSize = 100 // of a database file
	magic      = "SQLite format 3\x00"

	// Offsets in the header (SQLite file format, "The Database Header").
	pageSizeAt  = 16 // two bytes; 1 stands for 65536
	writeFormAt = 18 // 1: rollback journal, 2: write-ahead log
	readFormAt  = 19
)

// snapshot returns the database as it was at one moment: the bytes of its file with
// what a journal or a log beside it says, in the form of one that has neither. A file of
// no bytes is a database without tables.
func snapshot(ctx context.Context, dir cstor.StateDir, name string, wait time.Duration) ([]byte, error) {
	end := time.Now().Add(wait)
	for pause := time.Millisecond; ; pause *= 2 {
		var image []byte
		err := dir.Use(name, func(file *os.File) error {
			return withShared(ctx, file, end, func() (err error) {
				image, err = consistent(ctx, dir, name, file, end)
				return err
			})
		})
		if !errors.Is(err, errChanged) {
			return image, err
		}
		if !time.Now().Before(end) {
			return nil, ErrBusy
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

// consistent does that while file, which is the database, is locked.
func consistent(ctx context.Context, dir cstor.StateDir, name string, file *os.File, end time.Time) ([]byte, error) {
	image, err := readAll(file)
	if err != nil || len(image) == 0 {
		return nil, err
	}
	if len(image) >= headerSize && string(image[:len(magic)]) == magic && image[readFormAt] == 2 {
		return withLog(ctx, dir, name, file, end)
	}
	// A journal counts if nobody is at work with it: then it was left behind, and the file
	// may be half-written. Whoever comes next would put that right, but nobody can while we
	// have the lock (SQLite src/pager.c:hasHotJournal).
	busy, err := writer(file)
	if err != nil {
		return nil, err
	}
	if !busy {
		journal, err := besides(dir, name+"-journal")
		if err != nil {
			return nil, err
		}
		if image, err = rollBack(image, journal); err != nil {
			return nil, err
		}
	}
	if len(image) < headerSize || string(image[:len(magic)]) != magic {
		return nil, fmt.Errorf("%w: it does not begin as one", ErrCorrupt)
	}
	return image, nil
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
func withLog(ctx context.Context, dir cstor.StateDir, name string, file *os.File, end time.Time) ([]byte, error) {
	var image, log []byte
	read := func() (err error) {
		if log, err = besides(dir, name+"-wal"); err == nil {
			image, err = readAll(file)
		}
		return err
	}
	err := dir.Use(name+"-shm", func(shm *os.File) error {
		if err := lock(ctx, shm, logBytes, end); err != nil {
			return err
		}
		defer unlock(shm, logBytes)
		return read()
	})
	if errors.Is(err, fs.ErrNotExist) {
		if err = read(); err == nil {
			err = same(dir, name, file, image, log)
		}
	}
	if err != nil {
		return nil, err
	}
	if image, err = applyLog(image, log); err != nil {
		return nil, err
	}
	if len(image) >= headerSize {
		image[writeFormAt], image[readFormAt] = 1, 1
	}
	return image, nil
}

// same reports by errChanged whether a database without shared memory file is still what
// was read.
func same(dir cstor.StateDir, name string, file *os.File, image, log []byte) error {
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
	if string(again) != string(image) || string(logAgain) != string(log) {
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

// pageSizeOf reads a page size from the header of a database; 0 if it is none.
func pageSizeOf(image []byte) int {
	if len(image) < headerSize {
		return 0
	}
	n := int(binary.BigEndian.Uint16(image[pageSizeAt:]))
	if n == 1 {
		n = 1 << 16
	}
	if !validPageSize(n) {
		return 0
	}
	return n
}

func validPageSize(n int) bool { return n >= 512 && n <= 1<<16 && n&(n-1) == 0 }
