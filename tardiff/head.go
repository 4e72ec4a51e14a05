package tardiff

import (
	"bytes"
	"context"
	"fmt"

	"github.com/cstor-go/cstor/internal/tarhead"
)

// maxHead limits the bytes that describe one entry. Extensions of each kind, as long
// as they may be, take half of it.
const maxHead = 8 << 20

// entry is one entry as it stands in its archive.
type entry struct {
	name   string // after extensions
	number int64  // from 0; -1 if there is only a head, at the end of the archive
	start  int64  // in the archive, of head
	// head is all that stands between the padding of the entry before and the
	// content: extensions, global ones too, the header, blocks of a sparse map.
	head    []byte
	content int64  // in the archive, of the content
	size    int64  // of the content
	pad     []byte // behind the content; known when that was passed
}

// next reads up to the content of the next entry, or to the end of entries. What
// s.entry has is valid until the next call.
func (s *stream) next(ctx context.Context) error {
	e := &s.entry
	*e = entry{number: -1, start: s.pos, head: e.head[:0]}
	left := int64(0) // of an extension's data
	inMap := false   // blocks of a sparse map follow the header
	for {
		if err := s.fill(ctx, blockSize); err != nil {
			return err
		}
		b := s.buf[s.lo:min(s.lo+blockSize, s.hi)]
		if len(b) == 0 {
			s.ended = true
			return s.end()
		}
		if left == 0 && !inMap && bytes.Equal(b, zeros[:]) {
			s.ended = true
			return s.checkEnd(ctx)
		}
		if len(e.head)+len(b) > maxHead {
			return s.bad(s.pos, fmt.Errorf("%w: more than %d bytes before the content of an entry", ErrLimit, maxHead))
		}
		e.head = append(e.head, b...)
		_, h, err := s.heads.Next(b)
		if err != nil {
			return s.bad(s.heads.Offset(), err)
		}
		s.take(len(b))
		switch {
		case h != nil:
			e.name, e.size, e.content, e.number = h.Name, h.Size, s.pos, s.count
			s.count++
			s.heads.SkipContent()
			return nil
		case left > 0:
			left -= blockSize
		case inMap || len(b) < blockSize:
		case isExtension(b[typeflag]):
			size, _ := tarhead.Number(b[sizeStart:sizeEnd]) // was accepted
			left = size + -size&(blockSize-1)
		default:
			inMap = true
		}
	}
}

// checkEnd looks at the blocks that end the archive, without taking them.
func (s *stream) checkEnd(ctx context.Context) error {
	if err := s.fill(ctx, 2*blockSize); err != nil {
		return err
	}
	end := s.buf[s.lo:min(s.lo+2*blockSize, s.hi)]
	if _, _, err := s.heads.Next(end); err != nil {
		return s.bad(s.heads.Offset(), err)
	}
	return s.end()
}

func (s *stream) end() error {
	if err := s.heads.End(); err != nil {
		if s.heads.Offset() < blockSize {
			return s.bad(s.heads.Offset(), fmt.Errorf("not a tar archive: %w in the first block", err))
		}
		return s.bad(s.heads.Offset(), fmt.Errorf("%w in a header", err))
	}
	return nil
}

// padding reads what is behind the content. An archive may end there.
func (s *stream) padding(ctx context.Context) ([]byte, error) {
	n := int(s.heads.Padding())
	if err := s.fill(ctx, n); err != nil {
		return nil, err
	}
	p := s.stuff[:copy(s.stuff[:n], s.buf[s.lo:s.hi])]
	s.take(len(p))
	if _, _, err := s.heads.Next(p); err != nil {
		return nil, s.bad(s.heads.Offset(), err)
	}
	s.entry.pad = p
	return p, nil
}
