package storetest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc64"
	"io"
	"sync"
	"unicode/utf8"
)

// splitEntry is one line of a tar-split (vbatts/tar-split
// tar/storage/entry.go:Entry).
type splitEntry struct {
	Type     int    `json:"type"` // 1 file, 2 segment
	Name     string `json:"name,omitempty"`
	NameRaw  []byte `json:"name_raw,omitempty"` // a name that is not UTF-8
	Size     int64  `json:"size,omitempty"`
	Payload  []byte `json:"payload"` // segment: the bytes; file: CRC-64/ISO, big-endian, or null
	Position int    `json:"position"`
}

// tailChunk is the most that one segment after the end of a tar holds
// (vbatts/tar-split tar/asm/disassemble.go:runInputTarStream).
const tailChunk = 1 << 20

var isoTable = crc64.MakeTable(crc64.ISO)

// disassemble takes a tar apart as tar-split does: JSON lines, and the entries
// with their content. It relies on archive/tar.Reader, of which tar-split has a
// fork, reading no further than what it returns; so the bytes between two
// contents are the segments.
func disassemble(data []byte) (entries []Entry, lines []byte, err error) {
	in := bytes.NewReader(data)
	// Hide Seek: the reader would jump over padding, with the same result,
	// but its end-of-file checks differ.
	r := tar.NewReader(struct{ io.Reader }{in})
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	position, from := 0, 0
	add := func(e splitEntry) error {
		e.Position = position
		position++
		return enc.Encode(e)
	}
	read := func() int { return len(data) - in.Len() }
	segment := func() error { // the bytes read since the last one
		to := read()
		payload := data[from:to]
		from = to
		if len(payload) == 0 {
			return nil
		}
		return add(splitEntry{Type: 2, Payload: payload})
	}
	for {
		h, err := r.Next()
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, nil, err
		}
		if err := segment(); err != nil {
			return nil, nil, err
		}
		if err != nil {
			break
		}
		content, err := io.ReadAll(r)
		if err != nil {
			return nil, nil, err
		}
		from = read()
		e := splitEntry{Type: 1, Size: h.Size}
		if h.Size > 0 {
			e.Payload = binary.BigEndian.AppendUint64(nil, crc64.Checksum(content, isoTable))
		}
		if utf8.ValidString(h.Name) {
			e.Name = h.Name
		} else {
			e.NameRaw = []byte(h.Name)
		}
		if err := add(e); err != nil {
			return nil, nil, err
		}
		entries = append(entries, Entry{Header: *h, Content: content})
	}
	for rest := data[from:]; len(rest) > 0; {
		n := min(len(rest), tailChunk)
		if err := add(splitEntry{Type: 2, Payload: rest[:n]}); err != nil {
			return nil, nil, err
		}
		rest = rest[n:]
	}
	return entries, out.Bytes(), nil
}

// gzipWriters are reused: a new one allocates and clears most of a megabyte.
var gzipWriters = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	return w
}}

// compress returns the gzip form of data.
func compress(data []byte) []byte {
	w := gzipWriters.Get().(*gzip.Writer)
	defer gzipWriters.Put(w)
	var b bytes.Buffer
	w.Reset(&b)
	_, _ = w.Write(data) // a bytes.Buffer takes everything
	_ = w.Close()
	return b.Bytes()
}
