package tarsplit

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
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

// walker yields a recipe's extents in order. It is the only reader of recipes.
type walker struct {
	count
	lines *lines
	rec   record
	tail  tail
	max   int // bytes in a segment
}

func newWalker(gz io.Reader, opts Options) (*walker, error) {
	if opts.MaxSegment < 0 {
		return nil, errNegative
	}
	c, err := newCount(opts)
	if err != nil {
		return nil, err
	}
	w := &walker{count: c, max: min(cmp.Or(opts.MaxSegment, defaultMaxSegment), maxMaxSegment)}
	// base64, and a name and keys beside it
	w.lines, err = newLines(gz, w.max/3*4+1<<20)
	return w, err
}

// next returns io.EOF after the last extent of a recipe whose total is right.
func (w *walker) next() (extent, error) {
	for {
		line, err := w.lines.next()
		if errors.Is(err, io.EOF) {
			if err := w.end(); err != nil {
				return extent{}, w.bad(err)
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
		if err := w.add(n); err != nil {
			return extent{}, w.bad(err)
		}
		if w.rec.typ == fileType {
			x.size, x.length = n, n
			if x.sum.known = len(w.rec.payload) == 8; x.sum.known {
				x.sum.crc = binary.BigEndian.Uint64(w.rec.payload)
			} else {
				w.unsummed++
			}
		}
		return x, nil
	}
}

func (w *walker) stop() {}

// bad wraps an error about the line that was read last.
func (w *walker) bad(err error) error {
	return &FormatError{Line: max(w.lines.n-1, 0), Err: err}
}
