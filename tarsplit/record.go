package tarsplit

import (
	"errors"
	"fmt"

	"github.com/cstor-go/cstor/internal/jsonscan"
)

// Types of records (vbatts/tar-split tar/storage/entry.go:Type).
const (
	fileType    = 1
	segmentType = 2
)

// record is one line of a recipe. Its slices are valid until the next parse, or
// until the line changes.
type record struct {
	typ     int64
	name    []byte // of a fileType; any bytes: "name_raw" if there is one, else "name"
	size    int64  // of a fileType, in bytes, as its header states it; 0 if absent
	payload []byte // segmentType: the bytes; fileType: 8 bytes of CRC, or nil

	spare []byte // backs payload
}

// parse sets r to what line holds.
func (r *record) parse(line []byte) error {
	r.typ, r.name, r.size, r.payload = 0, nil, 0, nil
	var raw []byte
	c := jsonscan.New(line)
	err := c.Object(func(key []byte) (err error) {
		switch string(key) {
		case "type":
			return c.Int(&r.typ)
		case "size":
			return c.Int(&r.size)
		case "name":
			if !c.Null() {
				r.name, err = c.Text()
			}
		case "name_raw":
			if raw = nil; !c.Null() {
				raw, err = decode(&c, nil)
			}
		case "payload":
			if r.payload = nil; !c.Null() {
				r.spare, err = decode(&c, r.spare[:0])
				r.payload = r.spare
			}
		default: // "position"
			return c.Skip()
		}
		return err
	})
	if err == nil {
		err = c.End()
	}
	if err != nil {
		return err
	}
	if len(raw) > 0 { // vbatts/tar-split tar/storage/entry.go:GetName
		r.name = raw
	}
	switch {
	case r.typ != fileType && r.typ != segmentType:
		return fmt.Errorf("unknown record type %d", r.typ)
	case r.typ == segmentType && r.size != 0:
		return errors.New("a segment with a size")
	case r.typ == fileType && r.size > 0 && len(r.payload) != 8 && len(r.payload) != 0:
		return fmt.Errorf("a CRC of %d bytes", len(r.payload))
	}
	return nil
}
