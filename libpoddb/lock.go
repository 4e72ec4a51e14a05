package libpoddb

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// What SQLite locks in a database file: single bytes and a range at 1 GiB, whether the
// file reaches there or not (SQLite src/os.h, src/os_unix.c:unixLock). Who reads has the
// shared range; who means to write has the reserved byte; who wants the file for itself
// takes the pending byte, waits until the shared range is free, and takes that.
var (
	pendingByte  = span{0x40000000, 1}
	reservedByte = span{0x40000001, 1}
	sharedRange  = span{0x40000002, 510}
)

// In a shared memory file: who writes the log, copies the log into the database, or makes
// its index anew has one of three bytes (SQLite src/wal.c, "WAL_WRITE_LOCK"; the first
// byte by src/os_unix.c:UNIX_SHM_BASE).
var logBytes = span{120, 3}

type span struct{ start, length int64 }

// Pauses between two attempts. Writers that follow each other closely leave short gaps.
const (
	firstRetry = 200 * time.Microsecond
	lastRetry  = 5 * time.Millisecond
)

// withShared calls f while the file has a shared lock as SQLite takes it.
//
// It is a lock of the open file description: it keeps out those who use POSIX record
// locks, as SQLite does, is kept from them likewise, and does not vanish when another
// descriptor of the file is closed (fcntl(2)). A shared one needs no more than
// permission to read.
func withShared(ctx context.Context, file *os.File, end time.Time, f func() error) error {
	// The pending byte first, so that a writer who waits for readers gets its turn.
	if err := lock(ctx, file, pendingByte, end); err != nil {
		return err
	}
	err := lock(ctx, file, sharedRange, end)
	unlock(file, pendingByte)
	if err != nil {
		return err
	}
	defer unlock(file, sharedRange)
	return f()
}

// lock takes a shared lock on part of a file, until end at most.
func lock(ctx context.Context, file *os.File, s span, end time.Time) error {
	for retry := firstRetry; ; retry = min(retry*5/4, lastRetry) {
		err := control(file, unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_RDLCK, Start: s.start, Len: s.length})
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EACCES) {
			return err
		}
		if !time.Now().Before(end) {
			return ErrLocked
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(retry):
		}
	}
}

func unlock(file *os.File, s span) {
	// It fails for a closed file only, which has no locks.
	_ = control(file, unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_UNLCK, Start: s.start, Len: s.length})
}

// writer reports whether somebody is in a transaction that writes.
func writer(file *os.File) (bool, error) {
	l := unix.Flock_t{Type: unix.F_WRLCK, Start: reservedByte.start, Len: reservedByte.length}
	err := control(file, unix.F_OFD_GETLK, &l)
	return l.Type != unix.F_UNLCK, err
}

func control(file *os.File, cmd int, l *unix.Flock_t) error {
	conn, err := file.SyscallConn()
	if err != nil {
		return err
	}
	closed := conn.Control(func(fd uintptr) { err = unix.FcntlFlock(fd, cmd, l) })
	return errors.Join(closed, err)
}
