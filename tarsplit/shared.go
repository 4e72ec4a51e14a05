package tarsplit

import (
	"os"
	"sync"
	"sync/atomic"
)

// shared is a file that is read by several, or later. It is opened when the first
// one needs it and closed when the last one has let go of it.
type shared struct {
	ext   extent
	users atomic.Int32
	once  sync.Once
	file  *os.File
	err   error
}

// newShared returns a file with one user.
func newShared(ext extent) *shared {
	s := &shared{ext: ext}
	s.users.Store(1)
	return s
}

func (s *shared) open(files Opener) error {
	s.once.Do(func() { s.file, s.err = openExtent(files, s.ext.name, s.ext.length) })
	return s.err
}

// drop ends the use by one.
func (s *shared) drop() {
	if s.users.Add(-1) == 0 && s.file != nil {
		_ = s.file.Close() // was only read
	}
}
