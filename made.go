package cstor

import (
	"context"
	"iter"
	"os"

	"github.com/cstor-go/cstor/tarsplit"
)

// A layer without tar-split has entries all the same: those of the table of contents
// by which it was pulled, else those of its files. A tar that is made from them is
// none that ever was, but the same each time.

// madeEntries are the entries of a layer that has no recipe.
func (l *Layer) madeEntries(ctx context.Context) iter.Seq2[*tarsplit.Entry, error] {
	return func(yield func(*tarsplit.Entry, error) bool) {
		release, err := l.hold(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		defer release()
		tree, err := l.snap.trees.use(l)
		if err != nil {
			yield(nil, err)
			return
		}
		defer l.snap.trees.done(tree)
		entries := l.treeEntries(tree)
		if l.hasTOC() {
			entries = l.tocEntries(tree)
		}
		for e, err := range entries {
			if err == nil {
				err = context.Cause(ctx)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// madeTar makes a tar of a layer that has no recipe.
func (l *Layer) madeTar(ctx context.Context, opts tarsplit.Options) (*tarsplit.Reader, error) {
	opts.Size, opts.SizeKnown = 0, false // those of the tar that cannot be had
	return tarsplit.Make(l.madeEntries(ctx), layerFiles{l}, opts)
}

// layerFiles opens a layer's files for a reader that outlives any use of its tree.
type layerFiles struct{ layer *Layer }

var _ tarsplit.FileReader = layerFiles{}

func (f layerFiles) OpenFile(name string) (file *os.File, err error) {
	tree, err := f.layer.snap.trees.use(f.layer)
	if err != nil {
		return nil, err
	}
	defer f.layer.snap.trees.done(tree)
	return tree.OpenFile(name)
}

func (f layerFiles) ReadFile(name string, p []byte) (size int64, err error) {
	tree, err := f.layer.snap.trees.use(f.layer)
	if err != nil {
		return 0, err
	}
	defer f.layer.snap.trees.done(tree)
	return tree.ReadFile(name, p)
}
