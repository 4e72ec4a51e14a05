package ocisource

import (
	"context"
	"runtime"
	"sync"
)

// prepare finds out the descriptors of all layers, of several at a time. To compress one
// takes all cores for most of the time.
func (s *Source) prepare(ctx context.Context) error {
	if s.closed.Load() {
		return errClosed
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan *Layer)
	var all sync.WaitGroup
	parallel := min(runtime.GOMAXPROCS(0), 4)
	if s.opts.Compression != None {
		parallel = 2 // which bounds memory
	}
	for range parallel {
		all.Go(func() {
			for l := range next {
				if _, err := l.Prepare(ctx, nil); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, l := range s.layers {
		if _, ok := l.Descriptor(); !ok && ctx.Err() == nil {
			next <- l
		}
	}
	close(next)
	all.Wait()
	return context.Cause(ctx)
}
