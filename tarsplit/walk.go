package tarsplit

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cstor-go/cstor/internal/tarhead"
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

	stated bool            // sparse files are taken as their records state them
	sparse *tarhead.Header // of a sparse file, if the record before ended in one
	frags  fragments       // of that file, which are still to come
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
func (w *walker) next() (x extent, err error) {
	for x.size == 0 && x.inline == nil {
		if len(w.frags.at) > 0 {
			x = w.frags.next()
			break
		}
		if err := w.readRecord(); err != nil {
			return extent{}, err
		}
		switch {
		case w.rec.typ == segmentType:
			err = w.segment(&x)
		case w.rec.size != 0 || w.sparse != nil:
			err = w.file(&x)
		}
		if err != nil {
			return extent{}, w.bad(err)
		}
	}
	if err := w.add(x.size + int64(len(x.inline))); err != nil {
		return extent{}, w.bad(err)
	}
	return x, nil
}

func (w *walker) readRecord() error {
	line, err := w.lines.next()
	if errors.Is(err, io.EOF) {
		if err := w.end(); err != nil {
			return w.bad(err)
		}
		return io.EOF
	}
	if err != nil {
		return err
	}
	if err := w.rec.parse(line); err != nil {
		return w.bad(err)
	}
	if w.lines.read > recipeSlack && (w.lines.read-recipeSlack)/recipeRatio > w.total {
		return w.bad(fmt.Errorf("%d bytes of recipe for %d bytes of tar: %w", w.lines.read, w.total, ErrLimit))
	}
	return nil
}

// segment makes x the present record.
func (w *walker) segment(x *extent) error {
	p := w.rec.payload
	if len(p) > w.max {
		return fmt.Errorf("a segment of %d bytes: %w", len(p), ErrLimit)
	}
	if !w.stated {
		w.sparse = sparseHeader(p, w.total)
	}
	if w.tail.inline(p); len(p) > 0 {
		x.inline = p
	}
	return nil
}

// file makes x the present record, if it has content in the tar and is not sparse: the
// pieces of sparse files come one by one.
func (w *walker) file(x *extent) error {
	head, n := w.sparse, w.rec.size
	w.sparse = nil
	if len(w.rec.name) > maxName {
		return fmt.Errorf("a name of %d bytes: %w", len(w.rec.name), ErrLimit)
	}
	name := string(w.rec.name)
	if head == nil && w.tail.headerOnly(name) { // n may be anything
		return nil
	}
	if n < 0 {
		return fmt.Errorf("negative size %d", n)
	}
	w.tail.content()
	found := extent{name: name, size: n, length: n}
	if found.sum.known = len(w.rec.payload) == 8; found.sum.known {
		found.sum.crc = binary.BigEndian.Uint64(w.rec.payload)
	} else if n > 0 {
		w.unsummed++
	}
	if head == nil {
		*x = found
		return nil
	}
	return w.frags.set(found, head)
}

func (w *walker) stop() {}

// bad wraps an error about the line that was read last.
func (w *walker) bad(err error) error {
	return &FormatError{Line: max(w.lines.n-1, 0), Err: err}
}
