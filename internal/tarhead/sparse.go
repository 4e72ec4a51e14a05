package tarhead

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Sparse says how the holes of a file are told. The entry's content is then the
// fragments of data one after the other.
type Sparse struct {
	// Format is "gnu" (type 'S', the map in the header's block and blocks after
	// it), or a version of the form in PAX records: "0.0", "0.1", "1.0". In 1.0 the
	// map is the start of the content.
	Format string
	// Size of the file with its holes, in bytes.
	Size int64
	// Map has the offset and the length of each fragment of data, in order, without
	// overlap, in bytes. Empty in 1.0.
	Map [][2]int64
}

// maxMap limits the blocks of a map after a header, in bytes (vbatts/tar-split
// archive/tar/reader.go:readOldGNUSparseMap).
const maxMap = 1 << 20

// sparse recognises PAX records of a sparse file and makes h one (GNU tar manual,
// "Storing Sparse Files"; vbatts/tar-split archive/tar/reader.go:
// readGNUSparsePAXHeaders).
func (p *pax) sparse(h *Header) error {
	var format string
	major, minor := p.known[sparseMajor], p.known[sparseMinor]
	switch {
	case major == "1" && minor == "0":
		format = "1.0"
	case major == "0" && (minor == "0" || minor == "1"), major == "" && minor == "" && p.known[sparseMap] != "":
		if format = "0.1"; p.listed {
			format = "0.0"
		}
	default: // not sparse, or in a way that nobody knows
		for i := sparseMajor; i < knownKeys; i++ {
			if v := p.known[i]; v != "" {
				put(&h.PAX, keys[i], v)
			}
		}
		return nil
	}
	if name := p.known[sparseName]; name != "" {
		h.Name = name
	}
	s := &Sparse{Format: format, Size: h.Size}
	size := sparseSize
	if p.known[size] == "" {
		size = sparseRealSize
	}
	if err := p.number(size, &s.Size); err != nil {
		return err
	}
	h.Sparse = s
	if format == "1.0" {
		return nil
	}
	return s.parse(p.known[sparseMap], p.known[sparseBlocks])
}

// parse reads a map in the form of version 0.1, and holds it against the number of
// its fragments.
func (s *Sparse) parse(list, blocks string) error {
	want, err := strconv.ParseInt(blocks, 10, 64)
	if err != nil {
		return bad(sparseBlocks, blocks)
	}
	for list != "" {
		var fragment [2]int64
		for i := range fragment {
			var text string
			text, list, _ = strings.Cut(list, ",")
			if fragment[i], err = strconv.ParseInt(text, 10, 64); err != nil {
				return bad(sparseMap, text)
			}
		}
		s.Map = append(s.Map, fragment)
	}
	if int64(len(s.Map)) != want {
		return fmt.Errorf("a sparse map of %d fragments that should have %d", len(s.Map), want)
	}
	return nil
}

// add reads the fragments in part of a block, in GNU's form, up to one that begins
// with NUL. More tells that another block follows, with 21 fragments of its own.
func (s *Sparse) add(fields []byte) (more bool, err error) {
	n := len(fields) / 24
	for i := range n {
		f := fields[24*i:][:24]
		if f[0] == 0 {
			break
		}
		var of numbers
		s.Map = append(s.Map, [2]int64{of.field("offset in a sparse map", f[:12]), of.field("length in a sparse map", f[12:])})
		if of.err != nil {
			return false, of.err
		}
	}
	return fields[24*n] != 0, nil
}

// check a map that is complete against content bytes in the tar.
func (s *Sparse) check(content int64) error {
	if s.Size < 0 {
		return fmt.Errorf("a sparse file of %d bytes", s.Size)
	}
	var end, sum int64
	for _, f := range s.Map {
		if f[0] < end || f[1] < 0 || f[0] > math.MaxInt64-f[1] || f[0]+f[1] > s.Size {
			return errors.New("a sparse map that overlaps or goes beyond the file")
		}
		end = f[0] + f[1]
		sum += f[1]
	}
	if s.Format != "1.0" && s.Size > 0 && sum != content {
		return fmt.Errorf("a sparse map of %d bytes for %d bytes of content", sum, content)
	}
	return nil
}
