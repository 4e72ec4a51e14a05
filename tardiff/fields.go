package tardiff

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/cstor-go/cstor/internal/tarhead"
)

// How a field is to be read.
type form int

const (
	raw form = iota
	word
	octal
	decimal
	fragments // of a sparse file: pairs of offset and length, up to one without
)

type field struct {
	name       string
	start, end int
	form       form
}

// common are the fields of every form of header (POSIX ustar; in the oldest form, what
// is behind linkname is unused).
var common = []field{
	{"name", 0, 100, word},
	{"mode", 100, 108, octal},
	{"uid", 108, 116, decimal},
	{"gid", 116, 124, decimal},
	{"size", sizeStart, sizeEnd, decimal},
	{"mtime", 136, sumStart, decimal},
	{"typeflag", typeflag, typeflag + 1, raw},
	{"linkname", 157, 257, word},
	{"magic", 257, 263, raw},
	{"version", 263, 265, raw},
	{"uname", 265, 297, word},
	{"gname", 297, 329, word},
	{"devmajor", 329, 337, decimal},
	{"devminor", 337, 345, decimal},
}

// What is behind them, and the checksum.
var (
	ustarFields = append(common[:len(common):len(common)],
		field{"prefix", 345, 500, word},
		field{"unused", 500, 512, raw})
	starFields = append(common[:len(common):len(common)], // star(5), "STAR ARCHIVE FORMAT"
		field{"prefix", 345, 476, word},
		field{"atime", 476, 488, decimal},
		field{"ctime", 488, 500, decimal},
		field{"unused", 500, 512, raw})
	gnuFields = append(common[:len(common):len(common)], // GNU tar manual, "Basic Tar Format"
		field{"atime", 345, 357, decimal},
		field{"ctime", 357, 369, decimal},
		field{"offset", 369, 381, decimal},
		field{"longnames", 381, 385, raw},
		field{"unused", 385, 386, raw},
		field{"sparse", 386, 482, fragments},
		field{"isextended", 482, 483, raw},
		field{"realsize", 483, 495, decimal},
		field{"unused", 495, 512, raw})
	checksum = field{"chksum", sumStart, typeflag, octal}
)

// fieldsOf are the fields of two blocks: where their forms differ, magic says so.
func fieldsOf(a, b []byte) []field {
	is := func(from, to int, want string) bool {
		return string(a[from:to]) == want && string(b[from:to]) == want
	}
	switch {
	case is(257, 265, "ustar  \x00"):
		return gnuFields
	case is(257, 263, "ustar\x00") && is(508, 512, "tar\x00"):
		return starFields
	}
	return ustarFields
}

// value is what a field says; not ok if that is nothing its form allows.
func (f field) value(p []byte) (v string, ok bool) {
	switch f.form {
	case word:
		return text(p), true
	case octal, decimal:
		n, ok := tarhead.Number(p)
		if f.form == octal && n >= 0 {
			return fmt.Sprintf("%04o", n), ok
		}
		return strconv.FormatInt(n, 10), ok
	case fragments:
		return fragmentsIn(p), true
	}
	return string(p), true
}

// fragmentsIn reads a map as it stands in a header or in the blocks behind one: 12
// digits of offset, 12 of length (GNU tar manual, "Basic Tar Format", struct sparse).
func fragmentsIn(p []byte) string {
	var b bytes.Buffer
	for ; len(p) >= 24 && p[0] != 0; p = p[24:] {
		offset, _ := tarhead.Number(p[:12])
		length, _ := tarhead.Number(p[12:24])
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%d+%d", offset, length)
	}
	return b.String()
}

// blocks compares two header blocks field by field. The checksum follows from the
// other fields: it is spoken of only if those are equal.
func (h *heads) blocks(a, b part) {
	if bytes.Equal(a.block, b.block) {
		return
	}
	if len(a.block) < blockSize || len(b.block) < blockSize {
		return // cut off, which is an error elsewhere
	}
	before := h.n
	for _, f := range fieldsOf(a.block, b.block) {
		h.field(f, a, b)
	}
	if h.n == before {
		h.field(checksum, a, b)
	}
}

func (h *heads) field(f field, a, b part) {
	x, y := a.block[f.start:f.end], b.block[f.start:f.end]
	if bytes.Equal(x, y) {
		return
	}
	kind := KindField
	v, ok := f.value(x)
	w, okToo := f.value(y)
	if !ok {
		v = string(x)
	}
	if !okToo {
		w = string(y)
	}
	if ok && okToo && v == w {
		kind, v, w = KindEncoding, string(x), string(y)
	}
	h.add(Difference{Kind: kind, Record: a.record, Field: f.name}, a.at+f.start, b.at+f.start, v, w)
}
