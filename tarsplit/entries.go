package tarsplit

import (
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/cstor-go/cstor/internal/tarhead"
)

// Entries iterates over the entries of the tar whose recipe is gz, in the tar's
// order, without opening any file. The entries may be kept. The iterator is for one
// use, as it reads gz, which it does not close. Options.CheckCRC has no meaning here.
//
// A pair is (entry, nil) or (nil, err), and after an error the iteration ends: a
// [*FormatError] about the recipe, also where it does not match the headers in it, or
// a [*HeaderError] about one of those. That the recipe is whole, and the tar as long as
// the options say, is known when the iteration ends by itself; a break skips the rest.
//
// As readers of tars do, it takes two blocks of zeros or the end of the recipe for the
// end of the archive, and ignores what follows.
func Entries(gz io.Reader, opts Options) iter.Seq2[*Entry, error] {
	return func(yield func(*Entry, error) bool) {
		list, err := newEntries(gz, opts)
		for err == nil {
			var entry *Entry
			if entry, err = list.next(); err == nil && !yield(entry, nil) {
				return
			}
		}
		if !errors.Is(err, io.EOF) {
			yield(nil, err)
		}
	}
}

// entries joins the walker, which knows where content lies, with the headers, which
// stand in the run of inline bytes.
type entries struct {
	walk  *walker
	heads tarhead.Reader
	rest  []byte // of the present inline extent
	want  int64  // length of the tar; negative if unknown
}

func newEntries(gz io.Reader, opts Options) (*entries, error) {
	e := &entries{want: -1}
	if opts.SizeKnown {
		e.want = opts.Size
	}
	// Headers tell what the tar had of a sparse file; the walker, that need not look for
	// them, would add up what there is on disk.
	opts.SizeKnown = false
	var err error
	if e.walk, err = newWalker(gz, opts); err == nil {
		e.walk.stated = true
	}
	return e, err
}

// next returns io.EOF after the last entry of a recipe that is right.
func (e *entries) next() (*Entry, error) {
	for {
		var h *tarhead.Header
		var err error
		if e.rest, h, err = e.heads.Next(e.rest); err != nil {
			return nil, headerError(&e.heads, err)
		}
		if h != nil {
			return e.entry(h)
		}
		ext, err := e.walk.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil, e.end()
		case err != nil:
			return nil, err
		case ext.inline == nil:
			return nil, e.walk.bad(fmt.Errorf("content of %q where no header tells of it", ext.name))
		}
		e.rest = ext.inline
		if err := e.check(int64(len(e.rest))); err != nil {
			return nil, err
		}
	}
}

// entry completes the entry with header h by what the recipe says of its content.
func (e *entries) entry(h *tarhead.Header) (*Entry, error) {
	entry := newEntry(h)
	length := h.Length()
	if length == 0 {
		if h.Sparse != nil && h.Sparse.Format == "1.0" {
			e.heads.SkipContent() // the map
		}
		return entry, nil
	}
	var ext extent
	var err error
	if len(e.rest) == 0 {
		ext, err = e.walk.next()
	}
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	case ext.size == 0:
		return nil, e.walk.bad(fmt.Errorf("entry %q: its %d bytes of content are missing", entry.Name, length))
	case ext.size != length:
		return nil, e.walk.bad(fmt.Errorf("entry %q: %w: the header states %d bytes, the recipe %d", entry.Name, ErrSize, length, ext.size))
	}
	if entry.File = ext.name; ext.name == entry.Name {
		entry.File = entry.Name // one string is enough
	}
	e.heads.SkipContent()
	return entry, e.check(0)
}

// end checks the whole tar.
func (e *entries) end() error {
	if err := e.heads.End(); err != nil {
		return headerError(&e.heads, err)
	}
	// Of a padding that broke off at the end of the tar the recipe has nothing
	// (vbatts/tar-split archive/tar/reader.go:next).
	least := e.want - max(e.heads.Padding()-1, 0)
	if e.want >= 0 && e.heads.Pos() < least {
		return e.walk.bad(fmt.Errorf("%w: the tar has %d bytes, the recipe gives %d", ErrSize, e.want, e.heads.Pos()))
	}
	return io.EOF
}

// check that the tar is not longer than promised, with n bytes more.
func (e *entries) check(n int64) error {
	if e.want >= 0 && n > e.want-e.heads.Pos() {
		return e.walk.bad(fmt.Errorf("%w: the tar has %d bytes, the recipe gives more", ErrSize, e.want))
	}
	return nil
}
