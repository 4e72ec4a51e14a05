package tarhead

import (
	"errors"
	"io"
)

// ErrTooLong is about an extension that is longer than any that the writers of
// tar-split files accept.
var ErrTooLong = errors.New("an extension is too long")

// What a Reader expects next.
type state int

const (
	atHeader     state = iota
	atExtension        // an extension's data, need bytes
	atMap              // another block of a GNU sparse map
	atContent          // left bytes of the entry's content
	atPadding          // left bytes that say nothing
	atSecondZero       // a block that must be zeros, as the one before
	atEnd              // nothing: the tar is over
)

// Reader reads the headers of one tar. The zero value is ready to use. It is not
// safe for concurrent use, and must not be used after an error.
type Reader struct {
	state state
	left  int64
	need  int
	pad   int64  // after what is being read or skipped
	part  []byte // of a block or extension that has not come whole
	pos   int64  // in the tar, of the next byte
	at    int64  // in the tar, of what was parsed last

	h       Header
	of      byte // type of the extension
	begun   bool // start is that of an extension, or of the header
	start   int64
	mapped  int // bytes of blocks of a sparse map
	hasPAX  bool
	pax     pax
	globals globals
	name    string // of a GNU long name
	link    string
	owners  names
}

// Offset is where in the tar the block or extension stands that was read last: the
// one that an error is about.
func (r *Reader) Offset() int64 { return r.at }

// Pos is how many bytes of the tar have been read or skipped.
func (r *Reader) Pos() int64 { return r.pos }

// Padding is how many bytes of padding are still to come.
func (r *Reader) Padding() int64 {
	switch {
	case r.state == atPadding:
		return r.left
	case r.state == atContent && r.left == 0:
		return r.pad
	}
	return 0
}

// Next reads p, the next bytes of the tar, until a header is complete, and returns
// what it did not read. The header is nil if all of p was read before that; it is
// valid until the next call. Next the content is expected, h.Size bytes, unless
// SkipContent is called. After the end of the tar everything is read and ignored.
func (r *Reader) Next(p []byte) (rest []byte, h *Header, err error) {
	for {
		switch r.state {
		case atHeader, atMap, atSecondZero:
			b, ok := r.gather(&p, BlockSize)
			if !ok {
				return nil, nil, nil
			}
			if done, err := r.block(b); err != nil {
				return nil, nil, err
			} else if done {
				return p, &r.h, nil
			}
		case atExtension:
			b, ok := r.gather(&p, r.need)
			if !ok {
				return nil, nil, nil
			}
			if err := r.extension(b); err != nil {
				return nil, nil, err
			}
		case atContent:
			if !r.skip(&p) {
				return nil, nil, nil
			}
			r.state, r.left = atPadding, r.pad
		case atPadding:
			if !r.skip(&p) {
				return nil, nil, nil
			}
			r.state = atHeader
		case atEnd:
			r.pos += int64(len(p))
			return nil, nil, nil
		}
	}
}

// SkipContent says that what is left of the content is not in the run.
func (r *Reader) SkipContent() {
	if r.state == atContent {
		r.pos += r.left
		r.left = 0
	}
}

// End says that the run is over, and returns io.ErrUnexpectedEOF if it broke off.
// A tar may lack the padding at its end, and the blocks of zeros.
func (r *Reader) End() error {
	if len(r.part) > 0 || r.state == atExtension || r.state == atMap || (r.state == atContent && r.left > 0) {
		r.at = r.pos
		return io.ErrUnexpectedEOF
	}
	return nil
}

// gather takes n bytes; not ok as long as there are fewer. They are valid until the
// next call.
func (r *Reader) gather(p *[]byte, n int) (b []byte, ok bool) {
	if len(r.part) == 0 && len(*p) >= n {
		b, *p = (*p)[:n], (*p)[n:]
		r.at = r.pos
		r.pos += int64(n)
		return b, true
	}
	k := min(n-len(r.part), len(*p))
	r.part = append(r.part, (*p)[:k]...)
	*p = (*p)[k:]
	r.pos += int64(k)
	if len(r.part) < n {
		return nil, false
	}
	b, r.part = r.part, r.part[:0]
	r.at = r.pos - int64(n)
	return b, true
}

// skip passes over the bytes that are left; not ok as long as there are fewer.
func (r *Reader) skip(p *[]byte) (ok bool) {
	n := min(r.left, int64(len(*p)))
	*p = (*p)[n:]
	r.pos += n
	r.left -= n
	return r.left == 0
}
