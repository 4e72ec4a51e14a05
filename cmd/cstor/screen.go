package main

import (
	"io"
	"os"
	"sync/atomic"

	"github.com/vbauerster/cupwriter"
	"golang.org/x/term"
)

// screen is a terminal as mpb sees it: without the last column, behind which the
// cursor would wrap, and without the last line, which the cursor is on.
type screen struct {
	*cupwriter.Writer
	muted *atomic.Bool
}

// newScreen returns nil if w is no terminal, or one that cannot move its cursor or
// does not know its size.
func newScreen(w io.Writer, muted *atomic.Bool) *screen {
	f, ok := w.(*os.File)
	if name := os.Getenv("TERM"); !ok || name == "" || name == "dumb" {
		return nil
	}
	if width, height, err := term.GetSize(int(f.Fd())); err != nil || width == 0 || height == 0 {
		return nil
	}
	return &screen{cupwriter.New(f, false), muted}
}

func (s *screen) GetTermSize() (width, height int, err error) {
	width, height, err = s.Writer.GetTermSize()
	return max(width-1, 1), max(height-1, 0), err
}

func (s *screen) Flush(lines int) error {
	if s.muted.Load() {
		return io.ErrClosedPipe
	}
	return s.Writer.Flush(lines)
}
