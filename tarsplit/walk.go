package tarsplit

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Defaults and fixed limits of a recipe.
const (
	defaultMaxSegment = 32 << 20
	maxMaxSegment     = 1 << 30

	// A name comes from a header, or from an extension of at most 1 MiB (vbatts/tar-split
	// archive/tar/format.go:maxSpecialFileSize).
	maxName = 1 << 20

	// A header of 512 bytes costs about 900 bytes of recipe, and a name may be
	// repeated there six times its length by JSON escapes. Beyond a first
	// allowance, a recipe that is 64 times as long as the tar it has given so far
	// is not one.
	recipeSlack = 64 << 20
	recipeRatio = 64
)

// extent is a piece of the tar: inline bytes, or all of one file.
type extent struct {
	inline []byte // valid until the next extent; nil for a file

	name string
	size int64 // of the file, in bytes; never 0
	crc  uint64
	sum  bool // crc is there
}

// walker yields a recipe's extents in order. It is the only reader of recipes.
type walker struct {
	lines *lines
	rec   record
	tail  tail
	max   int   // bytes in a segment
	want  int64 // length of the tar; negative if unknown
	total int64 // bytes of all extents so far

	unsummed int64 // files without a CRC so far
}

func newWalker(gz io.Reader, opts Options) (*walker, error) {
	if opts.MaxSegment < 0 || opts.SizeKnown && opts.Size < 0 {
		return nil, errors.New("tarsplit: a negative size in Options")
	}
	w := &walker{max: min(cmp.Or(opts.MaxSegment, defaultMaxSegment), maxMaxSegment), want: -1}
	if opts.SizeKnown {
		w.want = opts.Size
	}
	// base64, and a name and keys beside it
	lines, err := newLines(gz, w.max/3*4+1<<20)
	w.lines = lines
	return w, err
}

// next returns io.EOF after the last extent of a recipe whose total is right.
func (w *walker) next() (extent, error) {
	for {
		line, err := w.lines.next()
		if errors.Is(err, io.EOF) {
			if w.want >= 0 && w.total != w.want {
				return extent{}, w.bad(fmt.Errorf("%w: the tar has %d bytes, the recipe gives %d", ErrSize, w.want, w.total))
			}
			return extent{}, io.EOF
		}
		if err != nil {
			return extent{}, err
		}
		if err := w.rec.parse(line); err != nil {
			return extent{}, w.bad(err)
		}
		if w.lines.read > recipeSlack && (w.lines.read-recipeSlack)/recipeRatio > w.total {
			return extent{}, w.bad(fmt.Errorf("%d bytes of recipe for %d bytes of tar: %w", w.lines.read, w.total, ErrLimit))
		}
		var x extent
		var n int64
		if w.rec.typ == segmentType {
			x.inline, n = w.rec.payload, int64(len(w.rec.payload))
			if len(x.inline) > w.max {
				return extent{}, w.bad(fmt.Errorf("a segment of %d bytes: %w", n, ErrLimit))
			}
			w.tail.inline(x.inline)
		} else if n = w.rec.size; n != 0 {
			if len(w.rec.name) > maxName {
				return extent{}, w.bad(fmt.Errorf("a name of %d bytes: %w", len(w.rec.name), ErrLimit))
			}
			x.name = string(w.rec.name)
			if w.tail.headerOnly(x.name) { // n may be anything
				continue
			}
			if n < 0 {
				return extent{}, w.bad(fmt.Errorf("negative size %d", n))
			}
			w.tail.content()
		}
		if n == 0 {
			continue
		}
		if n > math.MaxInt64-w.total {
			return extent{}, w.bad(fmt.Errorf("%w: %d bytes and %d more are no length", ErrSize, w.total, n))
		}
		if w.want >= 0 && w.total+n > w.want {
			return extent{}, w.bad(fmt.Errorf("%w: the tar has %d bytes, the recipe gives more", ErrSize, w.want))
		}
		if w.total += n; w.rec.typ == fileType {
			x.size = n
			if x.sum = len(w.rec.payload) == 8; x.sum {
				x.crc = binary.BigEndian.Uint64(w.rec.payload)
			} else {
				w.unsummed++
			}
		}
		return x, nil
	}
}

// bad wraps an error about the line that was read last.
func (w *walker) bad(err error) error {
	return &FormatError{Line: max(w.lines.n-1, 0), Err: err}
}
