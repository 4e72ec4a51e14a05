package cstor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/beneath"
)

const (
	lockWait  = time.Second           // for a writer to let go
	lockRetry = 10 * time.Millisecond // between two attempts
)

// Hold keeps writers from changing or removing layers of the layer's store until release
// is called, if [Options].Lock asks for that; else it does nothing. Calls that read
// content of a layer do so themselves: it is for those that make many of them. Calling
// release twice is fine.
func (l *Layer) Hold(ctx context.Context) (release func(), err error) {
	release, err = l.hold(ctx)
	return release, l.fail(err)
}

// hold keeps writers from changing or removing layers of the layer's store until
// release is called, if that was asked for. A split store has the lock of each half;
// writers take that of the graph root first (container-libs
// storage/layers.go:multipleLockFile).
func (l *Layer) hold(ctx context.Context) (release func(), err error) {
	var all []func()
	release = func() {
		for _, r := range all {
			r()
		}
	}
	if !l.place.lock {
		return release, nil
	}
	halves := l.place.halves()
	if len(halves) == 2 && halves[0].role == RoleImageStore {
		halves[0], halves[1] = halves[1], halves[0]
	}
	for _, p := range halves {
		name := p.driver + "-layers/layers.lock"
		r, err := p.tokens.share(ctx, p.root, name)
		if err != nil {
			release()
			return nil, p.fail(name, err)
		}
		all = append(all, r)
	}
	return release, nil
}

// share takes a shared lock on the lock file, which must be there, and returns what
// gives it back. Of several that hold it the last one gives it back.
//
// It is a lock of the open file description, which keeps out those who use POSIX
// record locks, as writers do, and which does not vanish when another descriptor of
// the file is closed (fcntl(2)); a shared one needs no more than permission to read.
func (t *tokens) share(ctx context.Context, dir *beneath.Dir, name string) (release func(), err error) {
	f, err := t.file(dir, name)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("there is nothing to lock: %w", err)
	}
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(lockWait); ; {
		err := t.tryShare(f, name)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EACCES) {
			return nil, err
		}
		if !time.Now().Before(end) {
			return nil, ErrLocked
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(lockRetry):
		}
	}
	return sync.OnceFunc(func() {
		t.sharing.Lock()
		defer t.sharing.Unlock()
		if t.shares[name]--; t.shares[name] == 0 {
			_ = setLock(f, unix.F_UNLCK) // fails for a closed file only, which has no locks
		}
	}), nil
}

// tryShare takes the lock for one more if it can be had at once.
func (t *tokens) tryShare(f *os.File, name string) error {
	t.sharing.Lock()
	defer t.sharing.Unlock()
	if t.shares[name] == 0 {
		if err := setLock(f, unix.F_RDLCK); err != nil {
			return err
		}
	}
	if t.shares == nil {
		t.shares = make(map[string]int)
	}
	t.shares[name]++
	return nil
}

func setLock(f *os.File, kind int16) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	closed := conn.Control(func(fd uintptr) {
		whole := unix.Flock_t{Type: kind} // from 0 to the end, however long
		err = unix.FcntlFlock(fd, unix.F_OFD_SETLK, &whole)
	})
	return errors.Join(closed, err)
}
