package tardiff

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/cstor-go/cstor/internal/tarhead"
)

// bufferSize is what is asked of a reader at a time: with less, the calls show.
const bufferSize = 256 << 10

// stream is one archive while it is read.
type stream struct {
	label string
	r     io.Reader
	again *again // nil if it cannot be read again
	err   error  // that r gave

	buf    []byte
	lo, hi int   // of buf, what was not taken yet
	pos    int64 // in the archive, of buf[lo]

	heads tarhead.Reader
	entry entry // the present one
	count int64 // of entries, with the present one
	ended bool  // no entry follows; entry.head has extensions that belong to none
	stuff [blockSize]byte
}

func newStream(label string, r io.Reader) *stream {
	return &stream{label: label, r: r, again: newAgain(r), buf: make([]byte, bufferSize)}
}

// fill makes n bytes ready, or all that there are until the archive or its reader
// fails. Not more than the buffer holds.
func (s *stream) fill(ctx context.Context, n int) error {
	if s.hi-s.lo >= n {
		return nil
	}
	s.hi = copy(s.buf, s.buf[s.lo:s.hi]) // less than n, which is little
	s.lo = 0
	for idle := 0; s.hi-s.lo < n && s.err == nil; idle++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var k int
		k, s.err = s.r.Read(s.buf[s.hi:])
		if s.hi += k; k > 0 {
			idle = 0
		} else if idle > 100 && s.err == nil {
			s.err = io.ErrNoProgress
		}
	}
	if s.hi-s.lo < n && !errors.Is(s.err, io.EOF) {
		return s.bad(s.pos+int64(s.hi-s.lo), s.err)
	}
	return nil
}

// window shows bytes that come next: at most limit, and none at the end. They are
// valid until the next call of anything.
func (s *stream) window(ctx context.Context, limit int64) ([]byte, error) {
	if s.lo == s.hi && limit > 0 {
		if err := s.fill(ctx, 1); err != nil {
			return nil, err
		}
	}
	return s.buf[s.lo : s.lo+int(min(limit, int64(s.hi-s.lo)))], nil
}

// content is window where content is expected, of which limit bytes are left.
func (s *stream) content(ctx context.Context, limit int64) ([]byte, error) {
	p, err := s.window(ctx, limit)
	if err == nil && len(p) == 0 && limit > 0 {
		err = s.bad(s.pos, fmt.Errorf("%w in the content of %q: %d bytes are missing", io.ErrUnexpectedEOF, s.entry.name, limit))
	}
	return p, err
}

// take passes over n bytes that were shown.
func (s *stream) take(n int) {
	s.lo += n
	s.pos += int64(n)
}

func (s *stream) bad(offset int64, err error) error {
	if errors.Is(err, tarhead.ErrTooLong) {
		err = fmt.Errorf("%w: %w", ErrLimit, err)
	}
	return &ArchiveError{Archive: s.label, Offset: offset, Err: err}
}

// again reads an archive at any place, beside the stream.
type again struct {
	r    io.ReaderAt
	base int64 // where the stream begins in it
	buf  []byte
}

func newAgain(r io.Reader) *again {
	at, ok := r.(io.ReaderAt)
	if !ok {
		return nil
	}
	if f, ok := r.(interface{ Stat() (fs.FileInfo, error) }); ok { // a pipe, a device
		if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
			return nil
		}
	}
	seek, ok := r.(io.Seeker)
	if !ok {
		return nil
	}
	base, err := seek.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil
	}
	return &again{r: at, base: base}
}

// read shows n bytes at an offset, or fewer if n is large. They are valid until the
// next call.
func (g *again) read(offset, n int64) ([]byte, error) {
	if g.buf == nil {
		g.buf = make([]byte, bufferSize)
	}
	p := g.buf[:min(n, int64(len(g.buf)))]
	k, err := g.r.ReadAt(p, g.base+offset)
	if k == len(p) {
		return p, nil
	}
	return nil, noEOF(err)
}
