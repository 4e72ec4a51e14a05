package tarhead

import (
	"bytes"
	"errors"
	"fmt"
	"math"
)

// maxExtension is the length in bytes of an extension's data (vbatts/tar-split
// archive/tar/format.go:maxSpecialFileSize).
const maxExtension = 1 << 20

var zeros [BlockSize]byte

// block reads a block where a header may stand. Done tells that r.h is complete.
func (r *Reader) block(b []byte) (done bool, err error) {
	switch zero := bytes.Equal(b, zeros[:]); {
	case r.state == atMap:
		return r.moreMap(b)
	case zero && r.state == atSecondZero:
		r.state = atEnd
		return false, nil
	case zero:
		r.state = atSecondZero
		return false, nil
	case r.state == atSecondZero:
		return false, errors.New("data after a single block of zeros")
	}
	if !ValidChecksum(b) {
		return false, errors.New("not a tar header: the checksum is wrong")
	}
	if !r.begun {
		r.begun, r.start = true, r.at
	}
	switch flag := b[156]; flag {
	case typePAX, typeGlobal, typeLongName, typeLongLink:
		r.of = flag
		return false, r.begin(b)
	}
	if err := r.h.parse(b, &r.owners); err != nil {
		return false, err
	}
	r.h.Offset = r.start
	return r.entry(b)
}

// begin goes on to the data of the extension whose block is b.
func (r *Reader) begin(b []byte) error {
	var n numbers
	size := n.field("size", b[124:136])
	switch {
	case n.err != nil:
		return n.err
	case size < 0:
		return badSize(size)
	case size > maxExtension:
		return fmt.Errorf("%w: %d bytes", ErrTooLong, size)
	}
	r.need, r.pad, r.state = int(size), padding(size), atExtension
	return nil
}

// extension reads the data of one.
func (r *Reader) extension(b []byte) error {
	r.state, r.left = atPadding, r.pad
	switch r.of {
	case typePAX: // of several the last counts
		r.hasPAX = true
		return r.pax.parse(string(b))
	case typeLongName:
		r.name = string(Text(b))
	case typeLongLink:
		r.link = string(Text(b))
	case typeGlobal:
		r.forget()
		return r.globals.add(string(b))
	}
	return nil
}

// forget the extensions: they are for one entry.
func (r *Reader) forget() {
	r.begun, r.hasPAX, r.name, r.link = false, false, "", ""
}

// entry completes r.h, whose block is b.
func (r *Reader) entry(b []byte) (done bool, err error) {
	h := &r.h
	var own *pax
	if r.hasPAX {
		own = &r.pax
	}
	r.globals.apply(h, own)
	if r.hasPAX {
		if err := r.pax.apply(h); err != nil {
			return false, err
		}
	}
	if r.name != "" {
		h.Name = r.name
	}
	if r.link != "" {
		h.Linkname = r.link
	}
	none := HeaderOnly(h.Type, h.Name)
	switch {
	case h.Type == 0 && none:
		h.Type = typeDir
	case h.Type == 0:
		h.Type = typeRegular
	}
	if none {
		h.Size = 0
	}
	if h.Size < 0 {
		return false, badSize(h.Size)
	}
	if h.Type == typeSparse {
		return r.oldSparse(b)
	}
	if r.hasPAX {
		if err := r.pax.sparse(h); err != nil {
			return false, err
		}
		if none && h.Sparse != nil {
			return false, fmt.Errorf("type %q cannot be sparse", h.Type)
		}
	}
	return r.complete()
}

// oldSparse reads the map that GNU keeps in a header's block (GNU tar manual,
// "Basic Tar Format", oldgnu_header).
func (r *Reader) oldSparse(b []byte) (done bool, err error) {
	if layoutOf(b) != gnu { // star has the type, but another map
		return false, errors.New("a sparse file in a form other than GNU's")
	}
	var n numbers
	r.h.Sparse = &Sparse{Format: "gnu", Size: n.field("real size", b[483:495])}
	if n.err != nil {
		return false, n.err
	}
	r.mapped = 0
	return r.addMap(b[386:483])
}

func (r *Reader) moreMap(b []byte) (done bool, err error) {
	if r.mapped += BlockSize; r.mapped >= maxMap {
		return false, fmt.Errorf("%w: a sparse map of %d bytes", ErrTooLong, r.mapped)
	}
	return r.addMap(b[:505])
}

func (r *Reader) addMap(fields []byte) (done bool, err error) {
	more, err := r.h.Sparse.add(fields)
	if err != nil {
		return false, err
	}
	if more {
		r.state = atMap
		return false, nil
	}
	return r.complete()
}

func (r *Reader) complete() (done bool, err error) {
	h := &r.h
	if h.Sparse != nil {
		if err := h.Sparse.check(h.Size); err != nil {
			return false, err
		}
	}
	if h.Size > math.MaxInt64-BlockSize-r.pos {
		return false, badSize(h.Size)
	}
	r.forget()
	h.Content = r.pos
	r.state, r.left, r.pad = atContent, h.Size, padding(h.Size)
	return true, nil
}

func padding(n int64) int64 { return -n & (BlockSize - 1) }

func badSize(n int64) error { return fmt.Errorf("a size of %d bytes", n) }
