package tarsplit

import (
	"io"
)

// plainPiece is how many bytes of a plain tar come in one piece.
const plainPiece = 256 << 10

// NewPlainReader is a Reader of a tar that is there as a whole, uncompressed: of a
// layer of which a store has kept the blob and made no recipe. Next gives pieces of
// bytes, and no files.
//
// Options.Size counts as for recipes; the error, and one of tar, comes as it is. What
// the tar has inside is not looked at: CheckCRC checks nothing, and Unchecked is 1 as
// soon as there is a byte. If tar is an [io.Closer], Close closes it; after an error of
// NewPlainReader itself, about the options, it is still the caller's.
func NewPlainReader(tar io.Reader, opts Options) (*Reader, error) {
	c, err := newCount(opts)
	if err != nil {
		return nil, err
	}
	return newReader(&plain{count: c, tar: tar}, tar, nil, opts), nil
}

// plain yields a tar that is read as it is.
type plain struct {
	count
	tar io.Reader
	buf []byte
	err error // what follows the bytes that were read
}

func (p *plain) next() (extent, error) {
	if p.buf == nil {
		p.buf = make([]byte, plainPiece)
	}
	n := 0
	for idle := 0; n < len(p.buf) && p.err == nil; {
		var k int
		k, p.err = p.tar.Read(p.buf[n:])
		if n += k; k > 0 {
			idle = 0
		} else if idle++; idle == 100 && p.err == nil {
			p.err = io.ErrNoProgress
		}
	}
	switch {
	case n > 0:
		if err := p.add(int64(n)); err != nil {
			return extent{}, err
		}
		p.unsummed = 1
		return extent{inline: p.buf[:n]}, nil
	case p.err == io.EOF: //nolint:errorlint // only the plain one is the end
		if err := p.end(); err != nil {
			return extent{}, err
		}
		return extent{}, io.EOF
	}
	return extent{}, noEOF(p.err)
}

func (p *plain) stop() {}
