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
}

// read returns what the lock file says. A file that is not there was never written
// to; one that may not be read, or is something else, says nothing, and the lists
// themselves have to tell whether they changed.
func (t *tokens) read(dir *beneath.Dir, name string) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.open[name]
	if f == nil {
		var err error
		f, err = dir.File(name)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, beneath.ErrNotRegular) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if t.open == nil {
			t.open = make(map[string]*os.File)
		}
		t.open[name] = f
	}
	b := make([]byte, ondisk.TokenSize)
	n, err := f.ReadAt(b, 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b[:n], err
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
