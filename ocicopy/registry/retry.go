package registry

import (
	"context"
	"math/rand/v2"
	"time"
)

// firstPause is that before the second attempt; each further one is twice as long.
var firstPause = 500 * time.Millisecond

// retry calls once until it succeeds, fails for good, or has been called often enough.
func (r *Repository) retry(ctx context.Context, once func() error) error {
	pause := firstPause
	for n := 0; ; n++ {
		err := once()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case n >= r.retries || !mayPass(err):
			return err
		}
		// Jobs that failed together do not come back together.
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause + rand.N(pause/2)):
		}
		pause *= 2
	}
}
