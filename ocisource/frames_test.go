package ocisource

import (
	"bytes"
	"io"
	"runtime"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/cstor-go/cstor/internal/storetest"
)

// TestFrames: whatever is written in whatever pieces comes back, and always in the same
// bytes, also when several share the room.
func TestFrames(t *testing.T) {
	t.Parallel()
	text := append(storetest.Random(frameSize/2, 1), bytes.Repeat([]byte("some text, "), frameSize/4)...)
	for _, size := range []int{0, 1, 100, frameSize - 1, frameSize, frameSize + 1, len(text)} {
		var first []byte
		room := make(chan struct{}, 3)
		var all sync.WaitGroup
		var mu sync.Mutex
		for n := range 4 {
			all.Go(func() {
				var out bytes.Buffer
				f := newFrames(&out, zstd.SpeedDefault, room)
				for p := text[:size]; len(p) > 0; {
					k := min(len(p), []int{1 << 20, 1000, 5 << 20, 77777}[n])
					if written, err := f.Write(p[:k]); written != k || err != nil {
						t.Errorf("%d of %d, %v", written, k, err)
					}
					p = p[k:]
				}
				if err := f.Close(); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if first == nil {
					first = out.Bytes()
				}
				if !bytes.Equal(out.Bytes(), first) {
					t.Errorf("%d bytes, in other pieces: other output", size)
				}
			})
		}
		all.Wait()
		r, err := zstd.NewReader(bytes.NewReader(first))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		r.Close()
		if err != nil || !bytes.Equal(got, text[:size]) || len(first) == 0 {
			t.Errorf("%d bytes: %d come back of %d, %v", size, len(got), len(first), err)
		}
		if len(room) > 0 {
			t.Errorf("%d bytes: %d frames are still under way", size, len(room))
		}
	}
}

// TestFramesEnd: after an error too, nothing goes on.
func TestFramesEnd(t *testing.T) {
	before := runtime.NumGoroutine()
	room := make(chan struct{}, 3)
	f := newFrames(broken{}, zstd.SpeedFastest, room)
	piece := make([]byte, frameSize)
	var err error
	for n := 0; err == nil && n < 100; n++ {
		_, err = f.Write(piece)
	}
	if err == nil || f.Close() == nil {
		t.Error("no error")
	}
	for n := 0; n < 1000 && runtime.NumGoroutine() > before; n++ {
		runtime.Gosched()
	}
	if len(room) > 0 {
		t.Errorf("%d frames are still under way", len(room))
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
