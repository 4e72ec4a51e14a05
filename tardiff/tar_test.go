package tardiff

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"testing"
)

// builder writes a tar, with what archive/tar would not write in between.
type builder struct {
	t testing.TB
	bytes.Buffer
	format tar.Format
}

func newBuilder(t testing.TB) *builder {
	t.Helper()
	return &builder{t: t, format: tar.FormatUSTAR}
}

// entry adds one as archive/tar writes it.
func (b *builder) entry(h tar.Header, content string) *builder {
	b.t.Helper()
	h.Size = int64(len(content))
	if h.Format == 0 && h.PAXRecords == nil {
		h.Format = b.format
	}
	if h.Mode == 0 {
		h.Mode = 0o644
	}
	w := tar.NewWriter(&b.Buffer)
	if err := w.WriteHeader(&h); err != nil {
		b.t.Fatal(err)
	}
	if _, err := io.WriteString(w, content); err != nil {
		b.t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		b.t.Fatal(err)
	}
	return b
}

func (b *builder) file(name, content string) *builder {
	b.t.Helper()
	return b.entry(tar.Header{Name: name, Typeflag: tar.TypeReg}, content)
}

// files adds one for each name; the content of one begins with its name.
func (b *builder) files(names ...string) *builder {
	b.t.Helper()
	for _, name := range names {
		b.file(name, name+" content")
	}
	return b
}

// raw adds a block, edited and with the right checksum, and data behind it.
func (b *builder) raw(flag byte, name, data string, edit func(block []byte)) *builder {
	block := make([]byte, blockSize)
	copy(block, name)
	copy(block[100:], "0000644\x000000000\x000000000\x00")
	copy(block[sizeStart:], fmt.Sprintf("%011o\x00", len(data)))
	copy(block[136:], "00000000000\x00")
	block[typeflag] = flag
	copy(block[257:], "ustar\x0000")
	if edit != nil {
		edit(block)
	}
	fix(block)
	b.Write(block)
	b.WriteString(data)
	b.Write(make([]byte, -len(data)&(blockSize-1)))
	return b
}

// fix sets the checksum of a block.
func fix(block []byte) {
	copy(block[sumStart:], "        ")
	sum := 0
	for _, c := range block[:blockSize] {
		sum += int(c)
	}
	copy(block[sumStart:], fmt.Sprintf("%06o\x00 ", sum))
}

// pax is the data of a PAX header.
func pax(pairs ...string) string {
	var all strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		body := " " + pairs[i] + "=" + pairs[i+1] + "\n"
		n := len(body)
		for len(fmt.Sprint(n))+len(body) != n {
			n = len(fmt.Sprint(n)) + len(body)
		}
		all.WriteString(fmt.Sprint(n) + body)
	}
	return all.String()
}

// end adds blocks of zeros.
func (b *builder) end(blocks int) []byte {
	b.Write(make([]byte, blocks*blockSize))
	return b.Bytes()
}

// tarOf has files with these names.
func tarOf(t testing.TB, names ...string) []byte {
	t.Helper()
	return newBuilder(t).files(names...).end(2)
}

// streamOnly hides that a reader can seek.
func streamOnly(data []byte) io.Reader { return struct{ io.Reader }{bytes.NewReader(data)} }

// all runs a comparison to its end.
func all(t testing.TB, a, b io.Reader, opts Options) (list []Difference, s Summary, err error) {
	t.Helper()
	opts.Summary = &s
	for d, e := range Compare(t.Context(), a, b, opts) {
		if e != nil {
			if d != (Difference{}) {
				t.Errorf("a difference with an error: %+v", d)
			}
			err = e
			continue
		}
		if err != nil {
			t.Errorf("a difference after the error: %+v", d)
		}
		list = append(list, d)
	}
	if int64(len(list)) != s.Differences {
		t.Errorf("%d differences, the summary has %d", len(list), s.Differences)
	}
	if s.Complete != (err == nil) {
		t.Errorf("complete: %v, error: %v", s.Complete, err)
	}
	return list, s, err
}

// brief is a difference in one line.
func brief(d Difference) string {
	side := func(s Side) string {
		switch {
		case s.Offset < 0 && s.Entry < 0 && s.Value == "":
			return "-"
		case s.Length != int64(len(s.Value)):
			return fmt.Sprintf("%d@%d:%d+%q/%d", s.Entry, s.Offset, s.Start, s.Value, s.Length)
		}
		return fmt.Sprintf("%d@%d:%q", s.Entry, s.Offset, s.Value)
	}
	text := fmt.Sprintf("%s %q", d.Kind, d.Name)
	if d.Record != "" {
		text += " " + d.Record
	}
	if d.Field != "" {
		text += " " + d.Field
	}
	if d.ContentOffset >= 0 {
		text += fmt.Sprintf(" +%d", d.ContentOffset)
	}
	return text + " " + side(d.A) + " " + side(d.B)
}

func briefs(list []Difference) (lines []string) {
	for _, d := range list {
		lines = append(lines, brief(d))
	}
	return lines
}

func sum(data []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(data)) }
