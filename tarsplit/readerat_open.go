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
	file int // in the index
	*shared
}

// use returns a file, which may have yet to be opened; the caller drops it.
func (c *fileCache) use(x *index, file int) *shared {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.open, func(f cached) bool { return f.file == file })
	var f cached
	switch {
	case i >= 0:
		f = c.open[i]
		c.open = slices.Delete(c.open, i, i+1)
	default:
		f = cached{file, newShared(extent{name: x.name(file), size: x.size(file)})}
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
	size := r.index.size(file)
	if int64(len(p)) == size { // no reader who goes on needs it again
		name := r.index.name(file)
		if err := readSmall(r.files, name, p); err != nil {
			return 0, entryError(name, err)
		}
		return len(p), nil
	}
	s := r.open.use(r.index, file)
	defer s.drop()
	if err = s.open(r.files); err == nil {
		if n, err = s.file.ReadAt(p, from); n == len(p) {
			return n, nil
		}
		err = readError(err, size-from-int64(n))
	}
	r.open.forget(s)
	return n, entryError(s.ext.name, err)
}
