package merge

import (
	"context"
	"iter"
	"runtime"
	"sync"
	"sync/atomic"
)

// inOrder yields what read returns for 0 to n-1, up to the first error. With several
// processors, as many results at most are being made or yielded at the same time. All
// calls have ended when the iteration has.
func inOrder(ctx context.Context, n int, read func(context.Context, int) (*layer, error)) iter.Seq2[*layer, error] {
	workers := min(n, runtime.GOMAXPROCS(0))
	if workers < 2 {
		return func(yield func(*layer, error) bool) {
			for i := range n {
				if l, err := read(ctx, i); !yield(l, err) || err != nil {
					return
				}
			}
		}
	}
	return func(yield func(*layer, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()

		type result struct {
			layer *layer
			err   error
		}
		results := make([]chan result, n)
		for i := range results {
			results[i] = make(chan result, 1)
		}
		// Whoever takes a number has a place, so that the next one to be yielded is
		// being read, however far ahead others are.
		places := make(chan struct{}, workers)
		var next atomic.Int64
		for range workers {
			running.Go(func() {
				for {
					select {
					case places <- struct{}{}:
					case <-ctx.Done():
						return
					}
					i := int(next.Add(1)) - 1
					if i >= n {
						return
					}
					l, err := read(ctx, i)
					results[i] <- result{l, err}
				}
			})
		}
		for i := range n {
			var r result
			select {
			case r = <-results[i]:
			case <-ctx.Done():
				r.err = context.Cause(ctx)
			}
			if !yield(r.layer, r.err) || r.err != nil {
				return
			}
			<-places
		}
	}
}
