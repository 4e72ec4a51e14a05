package main

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/cstor-go/cstor/tardiff"
)

// text is the report for people: a line for each difference, as soon as it is found.
type text struct {
	out   *bufio.Writer
	a, b  *input
	begun bool
}

func newText(w io.Writer, a, b *input) *text { return &text{out: bufio.NewWriter(w), a: a, b: b} }

func (t *text) difference(d *tardiff.Difference) error {
	t.head()
	what := describe(d)
	if d.Name != "" {
		what = strings.TrimSuffix(quoted(d.Name)+": "+what, ": ")
	}
	fmt.Fprintf(t.out, "%-8s  %s\n", d.Kind, what)
	return t.out.Flush()
}

// head says once what is compared.
func (t *text) head() {
	if t.begun {
		return
	}
	t.begun = true
	for _, in := range []struct {
		letter string
		*input
	}{{"A", t.a}, {"B", t.b}} {
		name := quoted(in.title())
		if in.compression != "" {
			name += " (" + in.compression + ")"
		}
		fmt.Fprintf(t.out, "%s  %s\n", in.letter, name)
	}
}

func (t *text) end(s *tardiff.Summary, more int64, err error) error {
	if more > 0 {
		fmt.Fprintf(t.out, "... and %s (--max-differences 0 shows all)\n", count(more, "more difference"))
	}
	if err == nil && s.Differences > 0 {
		fmt.Fprintf(t.out, "%s: A has %s in %s, B %s in %s\n", count(s.Differences, "difference"),
			entries(s.A.Entries), count(s.A.Size, "byte"), entries(s.B.Entries), count(s.B.Size, "byte"))
	}
	if err == nil && s.A.Digest != "" {
		fmt.Fprintf(t.out, "A  %s\nB  %s\n", s.A.Digest, s.B.Digest)
	}
	return t.out.Flush()
}

func entries(n int64) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

// describe says what is different, without the name.
func describe(d *tardiff.Difference) string {
	what := strings.TrimSpace(d.Record + " " + d.Field)
	if !plain(what) {
		what = quoted(what)
	}
	switch d.Kind {
	case tardiff.KindMissing, tardiff.KindExtra:
		return ""
	case tardiff.KindMoved:
		return fmt.Sprintf("entry %d -> %d", d.A.Entry, d.B.Entry)
	case tardiff.KindField:
		return what + " " + arrow(d, fieldValue(d.Field))
	case tardiff.KindContent:
		if d.Field != "" {
			return what + " " + arrow(d, func(v string) string { return v })
		}
		return fmt.Sprintf("from byte %d (%s) %s", d.ContentOffset, offsets(d), arrow(d, data))
	case tardiff.KindPadding:
		return strings.TrimLeft(fmt.Sprintf("%s (%s) %s", what, offsets(d), arrow(d, data)), " ")
	case tardiff.KindTrailer:
		if d.Field == "zeros" {
			return "zeros behind the last entry " + arrow(d, blocks)
		}
		return fmt.Sprintf("data behind those zeros (%s) %s", offsets(d), arrow(d, data))
	case tardiff.KindStream:
		return "the archives differ, in a way that was not found"
	}
	return strings.TrimLeft(what+" "+arrow(d, strconv.Quote), " ")
}

// arrow is what A has and what B has.
func arrow(d *tardiff.Difference, form func(string) string) string {
	side := func(s tardiff.Side) string {
		if s.Offset < 0 {
			return "none"
		}
		v := form(s.Value)
		if s.Start > 0 {
			v = "..." + v
		}
		if s.Start+int64(len(s.Value)) < s.Length {
			v += "..."
		}
		return v
	}
	return side(d.A) + " -> " + side(d.B)
}

// offsets is where in the archives the difference is.
func offsets(d *tardiff.Difference) string {
	switch {
	case d.A.Offset == d.B.Offset || d.B.Offset < 0:
		return fmt.Sprintf("at %d", d.A.Offset)
	case d.A.Offset < 0:
		return fmt.Sprintf("at %d", d.B.Offset)
	}
	return fmt.Sprintf("at %d -> %d", d.A.Offset, d.B.Offset)
}

// fieldValue is how values of a field are printed: numbers as they are.
func fieldValue(field string) func(string) string {
	return func(v string) string {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return strconv.Quote(v)
		}
		switch field {
		case "mtime", "atime", "ctime":
			if t := time.Unix(n, 0).UTC(); t.Year() >= 0 && t.Year() < 10000 {
				return t.Format(time.RFC3339)
			}
		case "name", "linkname", "uname", "gname", "prefix", "typeflag", "magic", "version":
			return strconv.Quote(v)
		}
		return v
	}
}

// data is bytes of content: as a string if they are one, else in hexadecimal.
func data(v string) string {
	switch {
	case v == "":
		return "end"
	case plain(strings.NewReplacer("\n", "", "\t", "").Replace(v)):
		return strconv.Quote(v)
	}
	return fmt.Sprintf("% x", v)
}

// blocks is a number of bytes in tar's blocks of 512.
func blocks(v string) string {
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n%512 != 0 {
		return v + " bytes"
	}
	return count(n/512, "block")
}
