package ocisource

import (
	"errors"
	"io"
	"runtime"
	"testing"
	"time"
)

// TestGoroutinesEnd: after an error of the writer, at whatever place, nothing goes on. It
// counts goroutines, and so is not parallel.
func TestGoroutinesEnd(t *testing.T) {
	for _, kind := range []Compression{Gzip, Zstd} {
		for _, room := range []int{0, 10, 15, 3000} {
			before := runtime.NumGoroutine()
			s := &Source{opts: Options{Compression: kind, Level: 1}, room: make(chan struct{}, 3)}
			for range 5 {
				c, err := s.newCompressor(t.Context(), &breaks{room})
				if err != nil {
					t.Fatal(err)
				}
				piece := make([]byte, frameSize)
				for n := 0; err == nil && n < 100; n++ {
					_, err = c.Write(piece)
				}
				if cerr := c.close(err); err == nil || !errors.Is(cerr, io.ErrClosedPipe) {
					t.Errorf("%s, %d: no error, but %v, %v", kind, room, err, cerr)
				}
			}
			for n := 0; n < 1000 && runtime.NumGoroutine() > before; n++ {
				time.Sleep(time.Millisecond)
			}
			if now := runtime.NumGoroutine(); now > before {
				t.Errorf("%s, %d: %d goroutines, and there were %d", kind, room, now, before)
			}
			if len(s.room) > 0 {
				t.Errorf("%s, %d: %d frames are still under way", kind, room, len(s.room))
			}
		}
	}
}

// breaks is a writer that takes so many bytes.
type breaks struct{ room int }

func (b *breaks) Write(p []byte) (int, error) {
	if b.room -= len(p); b.room < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}
