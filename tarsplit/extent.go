package tarsplit

import (
	"errors"
	"fmt"
	"math"
)

// extent is a piece of the tar: inline bytes, or a range of one file, nearly always
// all of it.
type extent struct {
	inline []byte // valid until the next extent; nil for a file

	name   string
	size   int64 // of the piece, in bytes; never 0
	from   int64 // where it begins in the file
	length int64 // of the file
	sum    sum   // of all of the file

	// Of a sparse file there are several pieces in a row: some came before, some
	// follow.
	again, more bool
	lost        bool // the tar had other bytes here than the file
}

// whole reports whether the piece is all of the file.
func (x *extent) whole() bool { return x.size == x.length && !x.lost }

// source yields the extents of a tar in order: those of a recipe, those of a tar that
// is there as a whole, or those of one that is made.
type source interface {
	// next returns io.EOF after the last extent of a tar that is as long as promised.
	// It must not be called after an error.
	next() (extent, error)
	counted() *count
	// stop ends what next may have begun, and is the last call, but for itself.
	stop()
}

// count adds up the extents of a tar.
type count struct {
	total    int64 // bytes so far
	want     int64 // bytes of the whole tar; negative if unknown
	unsummed int64 // files so far that cannot be checked
}

func newCount(opts Options) (count, error) {
	c := count{want: -1}
	if opts.SizeKnown {
		if opts.Size < 0 {
			return c, errNegative
		}
		c.want = opts.Size
	}
	return c, nil
}

var errNegative = errors.New("tarsplit: a negative number in Options")

func (c *count) counted() *count { return c }

// add counts n bytes more.
func (c *count) add(n int64) error {
	if n > math.MaxInt64-c.total {
		return fmt.Errorf("%w: %d bytes and %d more are no length", ErrSize, c.total, n)
	}
	if c.want >= 0 && c.total+n > c.want {
		return fmt.Errorf("%w: the tar should have %d bytes, and there are more", ErrSize, c.want)
	}
	c.total += n
	return nil
}

// end is an error if the tar is too short.
func (c *count) end() error {
	if c.want >= 0 && c.total != c.want {
		return fmt.Errorf("%w: the tar should have %d bytes, and there are %d", ErrSize, c.want, c.total)
	}
	return nil
}
