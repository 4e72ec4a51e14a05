package main

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cstor-go/cstor"
)

// intoDirectory writes a file for each layer into the directory that -o names. Two
// are written at a time: while one waits for a disk, or has come to its end, the
// other has work for the cores that WriteTar uses.
func (e *layerExport) intoDirectory(parent context.Context, s *cstor.Storage, layers []*cstor.Layer) error {
	dir, err := e.openDirectory(s, e.output)
	if err != nil {
		return err
	}
	defer dir.close()
	// The largest first, so that it is not waited for alone in the end.
	slices.SortStableFunc(layers, func(a, b *cstor.Layer) int { return cmp.Compare(b.DiffSize(), a.DiffSize()) })
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	var begun, complete atomic.Int64
	var workers sync.WaitGroup
	for range min(2, runtime.GOMAXPROCS(0), len(layers)) {
		workers.Go(func() {
			for ctx.Err() == nil {
				i := int(begun.Add(1)) - 1
				if i >= len(layers) {
					return
				}
				out, err := e.createIn(s, dir.path, layers[i].ID()+".tar")
				if err == nil {
					err = e.write(ctx, layers[i], out)
				}
				if err != nil {
					cancel(err) // the first is what is said
					return
				}
				complete.Add(1)
			}
		})
	}
	workers.Wait()
	if err := context.Cause(ctx); err != nil {
		if n := int(complete.Load()); n > 0 {
			err = hint(err, fmt.Sprintf("%d of %s in %s are complete", n, count(len(layers), "file"), e.output))
		}
		return err
	}
	dir.keep = true
	return nil
}
