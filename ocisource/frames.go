package ocisource

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// frameSize is how many uncompressed bytes become one frame of zstd. A stream may have any
// number of frames (RFC 8878, section 3), each of which is compressed by itself, and so at
// the same time as others: one stream keeps little more than one core busy. With 4 MiB that
// costs 0.3 % of size, and what reads it needs no more memory than that.
const frameSize = 4 << 20

// fastWindow is how far back in bytes the fast levels look. In images, more does not make
// blobs smaller; it takes memory and time.
const fastWindow = 1 << 20

// maxFrames is how many frames of one image can be under way; each takes some 11 MiB.
func maxFrames() int { return max(3, min(runtime.GOMAXPROCS(0)+1, 6)) }

// frames writes a zstd stream of such frames. All are of the same size but the last, so
// that the bytes do not depend on how many cores there are.
type frames struct {
	ctx   context.Context // for as long as there is no room
	level zstd.EncoderLevel
	w     io.Writer
	now   *frame        // is being filled; nil if none
	room  chan struct{} // has a token for each frame under way; shared by an image's layers
	queue chan *frame   // in order
	ended chan struct{}
	wrote bool // any frame

	mu  sync.Mutex
	err error // of w
}

// frame is one under way.
type frame struct {
	in, out []byte
	ready   chan struct{} // gets a token when out is there
	encoder *zstd.Encoder
	level   zstd.EncoderLevel // of the encoder
}

var idleFrames = sync.Pool{New: func() any {
	return &frame{in: make([]byte, 0, frameSize), out: make([]byte, 0, frameSize+frameSize>>8), ready: make(chan struct{}, 1)}
}}

// newFrames returns a writer that passes frames on to w, from a goroutine that ends with
// Close. ctx counts while one waits for room.
func newFrames(ctx context.Context, w io.Writer, level zstd.EncoderLevel, room chan struct{}) *frames {
	f := &frames{ctx: ctx, level: level, w: w, room: room, queue: make(chan *frame, cap(room)), ended: make(chan struct{})}
	go f.drain()
	return f
}

// take waits until there may be one more frame under way.
func (f *frames) take() (*frame, error) {
	select {
	case f.room <- struct{}{}:
	case <-f.ctx.Done():
		return nil, context.Cause(f.ctx)
	}
	x, _ := idleFrames.Get().(*frame)
	if x.encoder == nil || x.level != f.level {
		window := frameSize
		if f.level <= zstd.SpeedDefault {
			window = fastWindow
		}
		var err error
		x.encoder, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(f.level), zstd.WithWindowSize(window), zstd.WithEncoderConcurrency(1), zstd.WithZeroFrames(true))
		if err != nil { // never
			f.give(x)
			return nil, err
		}
		x.level = f.level
	}
	x.in = x.in[:0]
	return x, nil
}

func (f *frames) give(x *frame) {
	idleFrames.Put(x)
	<-f.room
}

// drain writes frames in order.
func (f *frames) drain() {
	defer close(f.ended)
	for x := range f.queue {
		<-x.ready
		if f.failed() == nil {
			if _, err := f.w.Write(x.out); err != nil {
				f.mu.Lock()
				f.err = err
				f.mu.Unlock()
			}
		}
		f.give(x)
	}
}

func (f *frames) failed() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// Write implements [io.Writer]. An error is one of what was written before.
func (f *frames) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		if err := f.failed(); err != nil {
			return n, err
		}
		if f.now == nil {
			if f.now, err = f.take(); err != nil {
				return n, err
			}
		}
		k := min(len(p), frameSize-len(f.now.in))
		f.now.in = append(f.now.in, p[:k]...)
		p, n = p[k:], n+k
		if len(f.now.in) == frameSize {
			f.flush()
		}
	}
	return n, nil
}

func (f *frames) flush() {
	x := f.now
	f.now, f.wrote = nil, true
	f.queue <- x // has room for all
	go func() {
		x.out = x.encoder.EncodeAll(x.in, x.out[:0])
		x.ready <- struct{}{}
	}()
}

// Close writes what is left, and waits for everything. Of nothing, one empty frame is made.
func (f *frames) Close() error {
	var err error
	if f.now == nil && !f.wrote {
		f.now, err = f.take()
	}
	if f.now != nil {
		f.flush()
	}
	close(f.queue)
	<-f.ended
	return errors.Join(err, f.failed())
}
