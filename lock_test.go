package cstor_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/tarsplit"
)

// writer is somebody who wants to change a store: it holds the lock of the layers'
// list exclusively, as long as nobody else holds it.
type writer struct{ files []*os.File }

func newWriter(t *testing.T, roots ...string) *writer {
	t.Helper()
	w := &writer{}
	for _, root := range roots {
		f, err := os.OpenFile(filepath.Join(root, "overlay-layers/layers.lock"), os.O_RDWR, 0)
		check(t, err)
		t.Cleanup(func() { _ = f.Close() })
		w.files = append(w.files, f)
	}
	return w
}

// try reports for how many of the files it can have the lock, and gives it back.
func (w *writer) try(t *testing.T) (n int) {
	t.Helper()
	for _, f := range w.files {
		if w.set(f, unix.F_WRLCK) == nil {
			n++
			check(t, w.set(f, unix.F_UNLCK))
		}
	}
	return n
}

func (w *writer) set(f *os.File, kind int16) error {
	return unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: kind})
}

func openLocking(t *testing.T, made *storetest.Store) *cstor.Storage {
	t.Helper()
	s, err := cstor.Open(t.Context(), made.Root, cstor.Options{ImageStore: made.ImageStore, Lock: true})
	check(t, err)
	t.Cleanup(func() { check(t, s.Close()) })
	return s
}

func TestLock(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]storetest.Options{"one root": {}, "split": {ImageStore: "images"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made := storetest.New(t, storetest.Sample, opts)
			roots := []string{made.Root}
			if made.ImageStore != "" {
				roots = append(roots, made.ImageStore)
			}
			w := newWriter(t, roots...)
			l, err := openLocking(t, made).Layer(made.Layer("base").ID)
			check(t, err)
			if w.try(t) != len(roots) {
				t.Error("locked before anything is read")
			}
			var readers []*tarsplit.Reader
			for range 2 {
				r, err := l.Tar(t.Context(), cstor.TarOptions{})
				check(t, err)
				readers = append(readers, r)
			}
			for range 2 {
				if w.try(t) != 0 {
					t.Error("a writer gets in while a tar is read")
				}
				_, err := readers[0].Read(make([]byte, 100))
				check(t, err)
				check(t, readers[0].Close())
				check(t, readers[0].Close()) // twice is fine
				readers = readers[1:]
			}
			if w.try(t) != len(roots) {
				t.Error("still locked when all are closed")
			}
			during := -1
			_, err = l.WriteTar(t.Context(), tried(func() { during = w.try(t) }), cstor.WriteOptions{})
			if err != nil || during != 0 || w.try(t) != len(roots) {
				t.Errorf("WriteTar: %d locks free meanwhile, %d afterwards, %v", during, w.try(t), err)
			}
			made.Apply(t, storetest.TruncateTarSplit("base", 30))
			if _, err := l.WriteTar(t.Context(), io.Discard, cstor.WriteOptions{}); err == nil || w.try(t) != len(roots) {
				t.Errorf("still locked after %v", err)
			}
		})
	}
}

type tried func()

func (f tried) Write(p []byte) (int, error) {
	f()
	return len(p), nil
}

func TestNoLockUnlessAsked(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, storetest.Sample, storetest.Options{})
	w := newWriter(t, made.Root)
	l, err := open(t, made).Layer(made.Layer("base").ID)
	check(t, err)
	r, err := l.Tar(t.Context(), cstor.TarOptions{})
	check(t, err)
	defer r.Close()
	if w.try(t) != 1 {
		t.Error("locked")
	}
}

func TestLockIsNotHad(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, storetest.Sample, storetest.Options{})
	w := newWriter(t, made.Root)
	l, err := openLocking(t, made).Layer(made.Layer("base").ID)
	check(t, err)
	check(t, w.set(w.files[0], unix.F_WRLCK))
	start := time.Now()
	var all sync.WaitGroup
	for range 8 { // each waits for itself, not for those before it
		all.Go(func() {
			_, err := l.Tar(t.Context(), cstor.TarOptions{})
			if !errors.Is(err, cstor.ErrLocked) || time.Since(start) < 900*time.Millisecond || time.Since(start) > 5*time.Second {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		})
	}
	all.Wait()
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, os.ErrDeadlineExceeded)
	defer cancel()
	if _, err = l.WriteTar(ctx, io.Discard, cstor.WriteOptions{}); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the context ended: %v", err)
	}
	free := make(chan error)
	time.AfterFunc(200*time.Millisecond, func() { free <- w.set(w.files[0], unix.F_UNLCK) })
	defer func() { check(t, <-free) }()
	if _, err := l.WriteTar(t.Context(), io.Discard, cstor.WriteOptions{}); err != nil {
		t.Errorf("the writer let go: %v", err)
	}
}

func TestNothingToLock(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, storetest.Sample, storetest.Options{NoLocks: true})
	l, err := openLocking(t, made).Layer(made.Layer("base").ID)
	check(t, err)
	if _, err := l.Tar(t.Context(), cstor.TarOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := os.Lstat(filepath.Join(made.Root, "overlay-layers/layers.lock")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the lock file was created: %v", err)
	}
}

// TestReleaseTwice: who releases twice does not take the lock from others.
func TestReleaseTwice(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, storetest.Sample, storetest.Options{})
	w := newWriter(t, made.Root)
	l, err := openLocking(t, made).Layer(made.Layer("base").ID)
	check(t, err)
	first, err := l.Hold(t.Context())
	check(t, err)
	second, err := l.Hold(t.Context())
	check(t, err)
	first()
	first()
	if w.try(t) != 0 {
		t.Error("a writer gets in while the lock is held")
	}
	second()
	if w.try(t) != 1 {
		t.Error("still locked")
	}
}
