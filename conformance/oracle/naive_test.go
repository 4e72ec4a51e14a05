package oracle

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/crc64"
	"slices"
	"strconv"
	"strings"

	"github.com/vbatts/tar-split/tar/storage"

	"github.com/cstor-go/cstor/internal/tarhead"
	"github.com/cstor-go/cstor/tarsplit"
)

// reading is what a recipe gives.
type reading struct {
	tar   []byte // up to the error, if there is one
	class error  // what classify makes of it
	line  int64  // of the error
	why   string // the recipe is refused though tar-split may take it
	links int    // sized entries that have no content in the tar
	holey int    // sparse files
	bare  int    // files without CRC
}

// record is a line.
type record struct {
	Type    int64  `json:"type"`
	Name    string `json:"name"`
	NameRaw b64    `json:"name_raw"`
	Size    int64  `json:"size"`
	Payload b64    `json:"payload"`
}

// b64 is base64 alone: to encoding/json, []byte may be a list of numbers as well.
type b64 []byte

func (b *b64) UnmarshalJSON(text []byte) error {
	var s *string
	err := json.Unmarshal(text, &s)
	if *b = nil; err == nil && s != nil {
		*b, err = base64.StdEncoding.DecodeString(*s)
	}
	return err
}

// naive reads a recipe with encoding/json, all at once.
func naive(text []byte, crc bool) (r reading) {
	var run []byte           // inline bytes since the last content
	var head *tarhead.Header // of a sparse file, if the line before ended in one
	for line := range bytes.Lines(text) {
		var rec record
		err := json.Unmarshal(line, &rec)
		if len(rec.NameRaw) == 0 {
			rec.NameRaw = []byte(rec.Name)
		}
		switch {
		case err != nil || bytes.TrimLeft(line, " \t\r\n")[0] != '{':
			return r.end(errFormat, "a line that is not one object")
		case rec.Type != 1 && rec.Type != 2:
			return r.end(errFormat, "an unknown type")
		case rec.Type == 2 && rec.Size != 0:
			return r.end(errFormat, "a segment with a size")
		case rec.Type == 1 && rec.Size > 0 && len(rec.Payload) != 0 && len(rec.Payload) != 8:
			return r.end(errFormat, "")
		case rec.Type == 2 && len(rec.Payload) > maxSegment:
			return r.end(tarsplit.ErrLimit, "a long segment")
		case rec.Type == 2:
			head = sparseEnd(rec.Payload, len(r.tar))
			run = append(run, rec.Payload...)
			r.tar = append(r.tar, rec.Payload...)
		case rec.Size == 0 && head == nil:
		case head == nil && linkHeader(run, string(rec.NameRaw)):
			r.links++
		case rec.Size < 0:
			return r.end(errFormat, "a negative size")
		case head != nil:
			run = nil
			if why, class := r.sparse(rec, head.Sparse, crc); class != nil {
				return r.end(class, why)
			}
			head = nil
		default:
			run = nil
			content, err := byName{}.content(string(rec.NameRaw))
			switch {
			case rec.Size > 1<<63-1-int64(len(r.tar)):
				return r.end(tarsplit.ErrSize, "a size without measure")
			case err != nil:
				return r.end(tarsplit.ErrMissing, "")
			case rec.Size != int64(len(content)):
				return r.end(tarsplit.ErrSize, "a file of another size")
			}
			r.tar = append(r.tar, content...)
			switch {
			case len(rec.Payload) == 0:
				r.bare++
			case crc && binary.BigEndian.Uint64(rec.Payload) != crc64.Checksum(content, storage.CRCTable):
				return r.end(tarsplit.ErrCRC, "")
			}
		}
		r.line++
	}
	return r
}

// sparse adds the fragments of a sparse file.
func (r *reading) sparse(rec record, s *tarhead.Sparse, crc bool) (why string, class error) {
	if r.holey++; len(rec.Payload) == 0 {
		r.bare++
	}
	if s.Size != rec.Size {
		return "a sparse file of another size", tarsplit.ErrSize
	}
	if s.Format == "1.0" {
		return "a map that was not kept", tarsplit.ErrLost
	}
	s.Map = slices.DeleteFunc(s.Map, func(f [2]int64) bool { return f[1] == 0 })
	if len(s.Map) == 0 { // nobody opens the file
		return "", nil
	}
	content, err := byName{}.content(string(rec.NameRaw))
	if err != nil {
		return "", tarsplit.ErrMissing
	}
	if rec.Size != int64(len(content)) {
		return "a file of another size", tarsplit.ErrSize
	}
	holes := make([]byte, len(content))
	for _, f := range s.Map {
		r.tar = append(r.tar, content[f[0]:f[0]+f[1]]...)
		copy(holes[f[0]:], content[f[0]:f[0]+f[1]])
	}
	if crc && len(rec.Payload) > 0 && binary.BigEndian.Uint64(rec.Payload) != crc64.Checksum(holes, storage.CRCTable) {
		return "a sparse file", tarsplit.ErrCRC
	}
	return "", nil
}

func (r reading) end(class error, why string) reading {
	r.class, r.why = class, why
	return r
}

// linkHeader reports whether the run ends in a header of an entry without content.
func linkHeader(run []byte, name string) bool {
	if len(run) < 512 {
		return false
	}
	block := slices.Clone(run[len(run)-512:])
	stated, _, _ := bytes.Cut(bytes.Trim(block[148:156], " \x00"), []byte{0})
	want, err := strconv.ParseUint("0"+string(stated), 8, 62)
	copy(block[148:], "        ")
	var unsigned, signed int64
	for _, c := range block {
		unsigned += int64(c)
		signed += int64(int8(c))
	}
	flag := block[156]
	return err == nil && (int64(want) == unsigned || int64(want) == signed) &&
		(flag >= '1' && flag <= '6' || flag == 0 && strings.HasSuffix(name, "/"))
}
