package main

import (
	"bufio"
	"encoding/json"
	"io"

	"github.com/cstor-go/cstor/tardiff"
)

// document is the report for programs: one JSON object, whose differences are written
// as they are found, one a line.
type document struct {
	out  *bufio.Writer
	a, b *input
	n    int64
}

// archiveJSON and endJSON have what is in the document besides differences.
type archiveJSON struct {
	Name        string `json:"name"`        // as it was given
	Compression string `json:"compression"` // "gzip", "zstd", "bzip2" or ""
}

type endJSON struct {
	Same    bool            `json:"same"`
	Omitted int64           `json:"omitted,omitempty"` // differences that are not shown
	Summary tardiff.Summary `json:"summary"`
	Error   string          `json:"error,omitempty"` // why the comparison ended early
}

func newDocument(w io.Writer, a, b *input) *document {
	return &document{out: bufio.NewWriterSize(w, 64<<10), a: a, b: b}
}

// write writes a piece of the document. That it failed is known in the end.
func (j *document) write(before string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, _ = j.out.WriteString(before)
	_, err = j.out.Write(text)
	return err
}

func (j *document) head() error {
	if err := j.write("{\"a\": ", archiveJSON{j.a.name, j.a.compression}); err != nil {
		return err
	}
	if err := j.write(",\n\"b\": ", archiveJSON{j.b.name, j.b.compression}); err != nil {
		return err
	}
	_, err := j.out.WriteString(",\n\"differences\": [")
	return err
}

func (j *document) difference(d *tardiff.Difference) error {
	before := ",\n"
	if j.n == 0 {
		if err := j.head(); err != nil {
			return err
		}
		before = "\n"
	}
	j.n++
	return j.write(before, d)
}

func (j *document) end(s *tardiff.Summary, more int64, failed error) error {
	after := "\n],\n"
	if j.n == 0 {
		if err := j.head(); err != nil {
			return err
		}
		after = "],\n"
	}
	end := endJSON{Same: s.Same(), Omitted: more, Summary: *s}
	if failed != nil {
		end.Error = failed.Error()
	}
	text, err := json.Marshal(end)
	if err != nil {
		return err
	}
	_, _ = j.out.WriteString(after)
	_, _ = j.out.Write(append(text[1:], '\n'))
	return j.out.Flush()
}
