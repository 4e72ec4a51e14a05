package cstor

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/internal/ondisk"
)

// tokens reads the last-writer tokens in a store's lock files. It keeps the files
// open, and closes them only with the store: closing any descriptor of a file drops
// the POSIX record locks that this process has on it (fcntl(2)), and the process
// may be one that also writes stores, with the reference library.
type tokens struct {
	mu   sync.Mutex
	open map[string]*os.File

	sharing sync.Mutex
	shares  map[string]int // how many hold a shared lock; see share
}

// read returns what the lock file says. A file that is not there was never written
// to; one that may not be read, or is something else, says nothing, and the lists
// themselves have to tell whether they changed.
func (t *tokens) read(dir *beneath.Dir, name string) ([]byte, error) {
	f, err := t.file(dir, name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, beneath.ErrNotRegular) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	b := make([]byte, ondisk.TokenSize)
	n, err := f.ReadAt(b, 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b[:n], err
}

// file opens the lock file, or finds it open. It is not the caller's to close.
func (t *tokens) file(dir *beneath.Dir, name string) (*os.File, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f := t.open[name]; f != nil {
		return f, nil
	}
	f, err := dir.File(name)
	if err != nil {
		return nil, err
	}
	if t.open == nil {
		t.open = make(map[string]*os.File)
	}
	t.open[name] = f
	return f, nil
}

func (t *tokens) close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var err error
	for _, f := range t.open {
		err = errors.Join(err, f.Close())
	}
	t.open = nil
	return err
}
