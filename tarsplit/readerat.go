package tarsplit

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
)

// ReaderAt is a layer tar for reading at any place: an [io.ReaderAt] over an index
// of the recipe that is kept in memory. It opens the files that a read touches and
// no others; where headers are read, none. For an [io.ReadSeeker], such as
// net/http.ServeContent takes, use io.NewSectionReader(r, 0, r.Size()).
//
// Nothing is verified but sizes: a file must have its recorded size when it is
// opened, and must not have shrunk when it is read. A file that was changed in
// place, its size kept, gives wrong bytes, which a digest of the whole tar tells
// and nothing else.
//
// It is safe for concurrent use. Idle, it holds a few of the files open that were
// read last, and some decompressed blocks of the recipe, 256 KiB at most.
//
// Errors are not sticky: a damaged file, an [*EntryError], does not keep others
// from being read, and is opened anew when it is read again. What is lost ([ErrLost])
// is an error where it lies, and nowhere else.
type ReaderAt struct {
	index  *index
	files  Opener
	opts   Options
	blocks blockCache
	open   fileCache

	mu     sync.RWMutex // held for reading by whoever uses any of the rest
	gz     io.Reader
	closed bool
}

var _ io.ReaderAt = (*ReaderAt)(nil)

// NewReaderAt reads all of the recipe gz (a .tar-split.gz file), and will take the
// files that it names from files. It opens none of them. An error that is not about the
// options is a [*FormatError], one that matches [ErrLimit] if the index would be too
// large.
//
// Closing is as with [NewReader]: if gz is an [io.Closer], Close closes it; after
// an error it is still the caller's. Options.CheckCRC is refused, for a checksum
// says nothing about a piece of a file.
func NewReaderAt(gz io.Reader, files Opener, opts Options) (*ReaderAt, error) {
	if opts.CheckCRC {
		return nil, errors.New("tarsplit: CheckCRC is not possible with random access")
	}
	if opts.MaxIndex < 0 {
		return nil, errNegative
	}
	walk, err := newWalker(gz, opts)
	if err != nil {
		return nil, err
	}
	x, err := newIndex(walk, cmp.Or(opts.MaxIndex, defaultMaxIndex))
	if err != nil {
		return nil, err
	}
	return &ReaderAt{index: x, files: files, opts: opts, gz: gz}, nil
}

// Size is the length of the tar in bytes, also after Close.
func (r *ReaderAt) Size() int64 { return r.index.total() }

// ReadAt implements [io.ReaderAt]. At the end of the tar it returns [io.EOF] if p
// could not be filled. With any other error, the bytes in front of the damage have
// been read. After Close the error matches [fs.ErrClosed].
func (r *ReaderAt) ReadAt(p []byte, off int64) (int, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	switch {
	case r.closed:
		return 0, fmt.Errorf("tarsplit: %w", fs.ErrClosed)
	case off < 0:
		return 0, errors.New("tarsplit: negative offset")
	case len(p) == 0:
		return 0, nil
	case off >= r.index.total():
		return 0, io.EOF
	}
	n := 0
	for next := r.index.behind(off); ; next++ {
		k, err := r.readFrom(p[n:], next, off+int64(n))
		if n += k; err != nil || n == len(p) {
			return n, r.opts.wrapped(err)
		}
		if next == r.index.len() {
			return n, io.EOF
		}
	}
}

// readFrom reads up to where the file next begins, at most len(p) bytes: the rest of
// the file before it, if off lies in that, and inline bytes.
func (r *ReaderAt) readFrom(p []byte, next int, off int64) (n int, err error) {
	x := r.index
	if next > 0 {
		from := off - x.files[next-1].tar
		if left := x.size(next-1) - from; left > 0 {
			n, err = r.readFile(p[:min(int64(len(p)), left)], next-1, from)
			if err != nil {
				return n, err
			}
			off += int64(n)
		}
	}
	p = p[n:]
	p = p[:min(int64(len(p)), x.files[next].tar-off)]
	k, err := r.blocks.read(x, p, off-x.files[next].content)
	return n + k, err
}

// Close closes the files that are open, and the recipe. It waits for calls of ReadAt
// that have begun. Twice is fine.
func (r *ReaderAt) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	r.open.clear()
	r.blocks.clear()
	if c, ok := r.gz.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
