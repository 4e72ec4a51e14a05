package tarsplit

import (
	"bytes"
	"fmt"

	"github.com/cstor-go/cstor/internal/tarhead"
)

// Of a sparse file the tar had the data without the holes, one fragment after the
// other. The writer of a recipe reads it as archive/tar does: what it records, and
// what is unpacked, is the file with its holes, and neither size nor CRC is of what
// stood in the tar. But the segment before has the map, which tells the fragments, if
// it is in PAX records (versions 0.0 and 0.1) or in blocks behind the header (GNU's old
// form). In version 1.0 it stands in front of the data, and is read with that.

// sparseKey is in the PAX records of every sparse file.
var sparseKey = []byte("GNU.sparse.")

// sparseHeader returns the header in which a segment at an offset of the tar ends, if it
// is that of a sparse file, else nil. Writers put a header and its extensions in one
// segment (vbatts/tar-split archive/tar/reader.go:next).
func sparseHeader(segment []byte, at int64) *tarhead.Header {
	blocks := segment[min(-at&(blockSize-1), int64(len(segment))):]
	if !maybeSparse(blocks) {
		return nil
	}
	var heads tarhead.Reader
	var h *tarhead.Header
	for len(blocks) > 0 {
		var err error
		if blocks, h, err = heads.Next(blocks); err != nil {
			return nil
		}
	}
	if h == nil || h.Sparse == nil || h.Sparse.Format == "1.0" && h.Size < blockSize { // which no map is
		return nil
	}
	return h
}

// maybeSparse is quick to tell that blocks are not a sparse file's header.
func maybeSparse(blocks []byte) bool {
	for at := typeflagAt; at < len(blocks); at += blockSize {
		if blocks[at] == 'S' {
			return true
		}
	}
	// Records have a header of their own before them, and the file's behind them.
	return len(blocks) >= 3*blockSize && bytes.Contains(blocks[blockSize:len(blocks)-blockSize], sparseKey)
}

// fragments are what is still to come of a sparse file.
type fragments struct {
	ext extent     // any of them, but for its place
	at  [][2]int64 // offset in the file and length; the last length is not 0
}

// set begins those of a file, of which the recipe says what is in ext.
func (f *fragments) set(ext extent, head *tarhead.Header) error {
	s := head.Sparse
	if ext.length != s.Size {
		return fmt.Errorf("entry %q: %w: the header states %d bytes, the recipe %d", ext.name, ErrSize, s.Size, ext.length)
	}
	f.ext, f.at = ext, s.Map
	if s.Format == "1.0" {
		f.ext.lost, f.at = true, [][2]int64{{0, head.Size}}
	}
	for len(f.at) > 0 && f.at[len(f.at)-1][1] == 0 {
		f.at = f.at[:len(f.at)-1]
	}
	return nil
}

// next returns the first that is left.
func (f *fragments) next() extent {
	for f.at[0][1] == 0 {
		f.at = f.at[1:]
	}
	x := f.ext
	x.from, x.size = f.at[0][0], f.at[0][1]
	f.at = f.at[1:]
	f.ext.again, x.more = true, len(f.at) > 0
	if !x.more {
		*f = fragments{}
	}
	return x
}

// errLostMap is about any piece that is lost.
var errLostMap = fmt.Errorf("%w: of a sparse file, in version 1.0 of the PAX form, the map stood in front of the data", ErrLost)
