package tarsplit

import (
	"slices"
	"sync"
)

// cachedFiles is how many files stay open between reads. More are open while more
// calls read at the same time.
const cachedFiles = 4

// fileCache holds the files that were read last. The zero value is empty. It is safe
// for concurrent use: a file that is thrown out is closed by the last one to read
// from it.
type fileCache struct {
	mu   sync.Mutex
	open []cached // oldest use first
}

type cached struct {
	file int // in the index: the last of its pieces
	*shared
}

// use returns the file of a piece, which may have yet to be opened; the caller drops it.
func (c *fileCache) use(x *index, p pieceAt) *shared {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.open, func(f cached) bool { return f.file == p.last })
	var f cached
	switch {
	case i >= 0:
		f = c.open[i]
		c.open = slices.Delete(c.open, i, i+1)
	default:
		f = cached{p.last, newShared(extent{name: x.name(p.last), length: p.length})}
		if len(c.open) == cachedFiles {
			c.open[0].drop()
			c.open = slices.Delete(c.open, 0, 1)
		}
	}
	c.open = append(c.open, f)
	f.users.Add(1)
	return f.shared
}

// forget makes the next use open the file anew.
func (c *fileCache) forget(s *shared) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = slices.DeleteFunc(c.open, func(f cached) bool {
		if f.shared == s {
			f.drop()
		}
		return f.shared == s
	})
}

func (c *fileCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.open {
		f.drop()
	}
	c.open = nil
}

// readFile fills p with content of a file, which has as much from the offset from on.
func (r *ReaderAt) readFile(p []byte, file int, from int64) (n int, err error) {
	size, at := r.index.size(file), r.index.piece(file)
	switch {
	case at.lost:
		return 0, entryError(r.index.name(at.last), errLostMap)
	case int64(len(p)) == at.length: // no reader who goes on needs it again
		name := r.index.name(file)
		if err := readSmall(r.files, name, p); err != nil {
			return 0, entryError(name, err)
		}
		return len(p), nil
	}
	s := r.open.use(r.index, at)
	defer s.drop()
	if err = s.open(r.files); err == nil {
		if n, err = s.file.ReadAt(p, at.from+from); n == len(p) {
			return n, nil
		}
		err = readError(err, size-from-int64(n))
	}
	r.open.forget(s)
	return n, entryError(s.ext.name, err)
}
