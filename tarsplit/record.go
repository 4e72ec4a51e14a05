package tarsplit

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Types of records (vbatts/tar-split tar/storage/entry.go:Type).
const (
	fileType    = 1
	segmentType = 2
)

// record is one line of a recipe. Its slices live in buffers that the next parse
// into the same record overwrites.
type record struct {
	typ     int64
	name    []byte // of a fileType; any bytes: "name_raw" if there is one, else "name"
	size    int64  // of a fileType, in bytes; 0 if absent
	payload []byte // segmentType: the bytes; fileType: 8 bytes of CRC, or nil

	spare []byte // backs payload
}

// parse sets r to what line holds. It reads the form that tar-split writes (a flat
// object, nothing unusual in it) directly, and hands every other line to
// encoding/json, so that it accepts what the reference accepts. That is worth it:
// a layer has two lines for each file, and decoding them is most of the work for
// small files.
func (r *record) parse(line []byte) error {
	r.typ, r.name, r.size, r.payload = 0, nil, 0, nil
	ok, err := r.parsePlain(line)
	if err == nil && !ok {
		err = r.parseAny(line)
	}
	if err != nil {
		return err
	}
	switch {
	case r.typ != fileType && r.typ != segmentType:
		return fmt.Errorf("unknown record type %d", r.typ)
	case r.size < 0:
		return fmt.Errorf("negative size %d", r.size)
	case r.typ == segmentType && r.size != 0:
		return errors.New("a segment with a size")
	case r.typ == fileType && r.size > 0 && len(r.payload) != 8 && len(r.payload) != 0:
		return fmt.Errorf("a CRC of %d bytes", len(r.payload))
	}
	return nil
}

// parsePlain returns false when the line is not in the plain form; r is then
// undefined but for its spare buffer.
func (r *record) parsePlain(line []byte) (bool, error) {
	p := plain{line, 0}
	var raw []byte
	if !p.take('{') {
		return false, nil
	}
	for {
		key, ok := p.text()
		if !ok || !p.take(':') {
			return false, nil
		}
		switch string(key) {
		case "type":
			r.typ, ok = p.integer()
		case "size":
			r.size, ok = p.integer()
		case "position":
			_, ok = p.integer()
		case "name":
			r.name, ok = p.name()
		case "name_raw", "payload":
			var text []byte
			if ok = p.null(); !ok {
				if text, ok = p.text(); !ok {
					return false, nil
				}
			}
			var err error
			if string(key) == "payload" {
				r.payload, err = r.decode(text)
			} else {
				raw, err = base64.StdEncoding.AppendDecode(nil, text)
			}
			if err != nil {
				return false, err
			}
		default:
			ok = false
		}
		if !ok {
			return false, nil
		}
		if !p.take(',') {
			break
		}
	}
	if len(raw) > 0 {
		r.name = raw
	}
	return p.take('}') && p.at == len(p.line), nil
}

// decode reads base64 into the record's own buffer.
func (r *record) decode(text []byte) ([]byte, error) {
	if len(text) == 0 {
		return nil, nil
	}
	var err error
	r.spare, err = base64.StdEncoding.AppendDecode(r.spare[:0], text)
	return r.spare, err
}

// parseAny accepts whatever encoding/json does, as the reference
// (vbatts/tar-split tar/storage/packer.go, entry.go:GetName).
func (r *record) parseAny(line []byte) error {
	var v struct {
		Type    int64  `json:"type"`
		Name    string `json:"name"`
		NameRaw []byte `json:"name_raw"`
		Size    int64  `json:"size"`
		Payload []byte `json:"payload"`
	}
	if err := json.Unmarshal(line, &v); err != nil {
		return err
	}
	r.typ, r.name, r.size, r.payload = v.Type, []byte(v.Name), v.Size, v.Payload
	if len(v.NameRaw) > 0 {
		r.name = v.NameRaw
	}
	return nil
}

// plain is a cursor over JSON without white space, escapes or surprises.
type plain struct {
	line []byte
	at   int
}

func (p *plain) take(c byte) bool {
	if p.at < len(p.line) && p.line[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *plain) null() bool {
	if len(p.line)-p.at >= 4 && string(p.line[p.at:p.at+4]) == "null" {
		p.at += 4
		return true
	}
	return false
}

// text returns a string of printable ASCII without escapes.
func (p *plain) text() ([]byte, bool) {
	if !p.take('"') {
		return nil, false
	}
	for i := p.at; i < len(p.line); i++ {
		switch c := p.line[i]; {
		case c == '"':
			s := p.line[p.at:i]
			p.at = i + 1
			return s, true
		case c < ' ' || c == '\\' || c >= utf8.RuneSelf:
			return nil, false
		}
	}
	return nil, false
}

// name returns a string that may hold anything a name can.
func (p *plain) name() ([]byte, bool) {
	start := p.at
	if s, ok := p.text(); ok {
		return s, true
	}
	if p.at = start; !p.take('"') {
		return nil, false
	}
	for i := p.at; i < len(p.line); i++ {
		switch p.line[i] {
		case '\\':
			i++
		case '"':
			var s string
			if json.Unmarshal(p.line[start:i+1], &s) != nil {
				return nil, false
			}
			p.at = i + 1
			return []byte(s), true
		}
	}
	return nil, false
}

// integer returns a number of at most 18 digits, so that none overflows.
func (p *plain) integer() (int64, bool) {
	negative := p.take('-')
	start := p.at
	var v int64
	for p.at < len(p.line) && p.line[p.at] >= '0' && p.line[p.at] <= '9' {
		v = v*10 + int64(p.line[p.at]-'0')
		if p.at++; p.at-start > 18 {
			return 0, false
		}
	}
	if p.at == start || (p.line[start] == '0' && p.at-start > 1) {
		return 0, false
	}
	if negative {
		v = -v
	}
	return v, true
}
