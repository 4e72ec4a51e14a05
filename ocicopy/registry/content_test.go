package registry

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// TestContent: the last byte comes only after the source has ended well, whatever the
// sizes of reads.
func TestContent(t *testing.T) {
	t.Parallel()
	wrong := errors.New("another diff id")
	for _, size := range []int{0, 1, 2, 1000} {
		text := strings.Repeat("x", size)
		for name, tt := range map[string]struct {
			src  io.Reader
			good bool
		}{
			"good":             {strings.NewReader(text), true},
			"good, at once":    {iotest.DataErrReader(strings.NewReader(text)), true},
			"wrong at its end": {io.MultiReader(strings.NewReader(text), failing{wrong}), false},
			"long":             {strings.NewReader(text + "x"), false},
			"short":            {strings.NewReader(text[:max(size-1, 0)]), size == 0},
		} {
			for _, by := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader} {
				told := int64(0)
				c := newContent(io.NopCloser(tt.src), int64(size), func(n int64) { told += n })
				var got bytes.Buffer
				_, err := got.ReadFrom(by(c))
				sent, failed := c.end()
				if (err == nil) != tt.good || (failed == nil) != tt.good || told != sent || int(sent) != got.Len() {
					t.Errorf("%s, %d: %v, %v, %d read, %d sent, %d told", name, size, err, failed, got.Len(), sent, told)
				}
				if !tt.good && size > 0 && got.Len() >= size {
					t.Errorf("%s, %d: all of it was sent", name, size)
				}
				if s, ok := tt.src.(*strings.Reader); ok {
					_, _ = s.Seek(0, io.SeekStart) // never fails
				} else {
					break // can be read once
				}
			}
		}
	}
}
