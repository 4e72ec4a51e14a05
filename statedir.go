package cstor

import (
	"errors"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/beneath"
)

// StateDir is a directory of a store in which tools keep what they know beyond the
// store's lists, as podman does its database: the graph root, or the run root of a
// transient store. It is safe for concurrent use, and valid until the Storage is closed.
type StateDir struct {
	place *place
	dir   *beneath.Dir
}

// StateDirs are the directories of all configurations, in lookup order: one, but in a
// mounted system. A transient store whose run root is not there has none.
func (s *Storage) StateDirs() ([]StateDir, error) {
	if s.closed.Load() {
		return nil, errClosed
	}
	var all []StateDir
	for _, places := range s.configs {
		p := places[0]
		if !p.transient {
			all = append(all, StateDir{p, p.root})
		} else if run := p.run.Load(); run != nil {
			all = append(all, StateDir{p, run})
		}
	}
	return all, nil
}

// Store is the root of the store, as [Container.Store] has it.
func (d StateDir) Store() string { return d.place.path }

// User whose store it is, in a mounted system; else empty.
func (d StateDir) User() string { return d.place.owner }

// Path is the directory's; for messages.
func (d StateDir) Path() string { return d.dir.Path() }

// ReadFile returns a regular file below the directory, of at most limit bytes; no link
// is followed. One that is not there is an error that matches [fs.ErrNotExist].
func (d StateDir) ReadFile(name string, limit int64) ([]byte, error) {
	return d.dir.ReadFile(name, limit)
}

// Use opens a regular file below the directory for reading and calls f with it, while
// no other call has it. The file is not f's to close: it stays open until the storage is
// closed or another file has its name. Closing any descriptor of a file drops the POSIX
// record locks that the process has on it (fcntl(2)), and the process may be one that
// has the file open by itself, such as a database. Errors are as of [StateDir.ReadFile].
//
// [Storage.Close] waits for f: neither it nor Use of the same name may be called in f,
// which would wait for itself.
func (d StateDir) Use(name string, f func(*os.File) error) error {
	file := d.place.used.entry(d.dir.Path() + "/" + name)
	file.Lock()
	defer file.Unlock()
	if err := file.open(d.dir, name); err != nil {
		return err
	}
	return f(file.File)
}

// usedFiles are open files, by path.
type usedFiles struct {
	mu     sync.Mutex
	files  map[string]*usedFile
	closed bool
}

type usedFile struct {
	sync.Mutex
	*os.File // nil if it was never there
	all      *usedFiles
}

func (u *usedFiles) entry(path string) *usedFile {
	u.mu.Lock()
	defer u.mu.Unlock()
	f := u.files[path]
	if f == nil {
		f = &usedFile{all: u}
		if u.files == nil {
			u.files = make(map[string]*usedFile)
		}
		u.files[path] = f
	}
	return f
}

// open opens the file unless the one that is open has its name still.
func (f *usedFile) open(dir *beneath.Dir, name string) error {
	now, err := dir.Lstat(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if f.File != nil {
		var st unix.Stat_t
		if ferr := unix.Fstat(int(f.Fd()), &st); ferr != nil {
			return ferr
		}
		if err == nil && st.Dev == now.Dev && st.Ino == now.Ino {
			return nil
		}
		_ = f.Close() // was only read, and who had it locked has lost it
		f.File = nil
	}
	if err != nil {
		return err
	}
	file, err := dir.File(name)
	if err != nil {
		return err
	}
	f.all.mu.Lock()
	defer f.all.mu.Unlock()
	if f.all.closed {
		_ = file.Close() // was not read
		return errClosed
	}
	f.File = file
	return nil
}

// close waits for those who use a file.
func (u *usedFiles) close() error {
	u.mu.Lock()
	u.closed = true
	files := u.files
	u.files = nil
	u.mu.Unlock()
	var err error
	for _, f := range files {
		f.Lock()
		if f.File != nil {
			err = errors.Join(err, f.Close())
			f.File = nil
		}
		f.Unlock()
	}
	return err
}
