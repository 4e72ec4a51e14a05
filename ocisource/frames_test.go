package ocisource

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

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
				f := newFrames(t.Context(), &out, zstd.SpeedDefault, room)
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

// TestFramesCanceled: who waits for room that others keep can be told to stop.
func TestFramesCanceled(t *testing.T) {
	t.Parallel()
	room := make(chan struct{}, 1)
	room <- struct{}{}
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	ended := make(chan error, 2)
	for _, data := range []string{"x", ""} {
		go func() {
			f := newFrames(ctx, io.Discard, zstd.SpeedFastest, room)
			_, err := io.WriteString(f, data)
			ended <- errors.Join(err, f.Close())
		}()
	}
	cancel(enough)
	for range 2 {
		select {
		case err := <-ended:
			if !errors.Is(err, enough) {
				t.Error(err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("it waits on")
		}
	}
}
