package cstor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/cstor-go/cstor/tarsplit"
)

// source is what a layer's tar is made from: the recipe, the tree, and the lock
// under which both are read, if there is one. Close ends the use of all.
type source struct {
	*os.File // the recipe
	tree     *tree
	trees    *trees
	release  func() // the lock
}

func (l *Layer) source(ctx context.Context) (*source, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	recipe, release, err := l.heldRecipe(ctx)
	if err != nil {
		return nil, err
	}
	tree, err := l.snap.trees.use(l)
	if err != nil {
		_ = recipe.Close() // was only read
		release()
		return nil, l.fail(l.explain(err))
	}
	return &source{File: recipe, tree: tree, trees: l.snap.trees, release: release}, nil
}

// heldRecipe opens the recipe under the lock.
func (l *Layer) heldRecipe(ctx context.Context) (recipe *os.File, release func(), err error) {
	release, err = l.hold(ctx)
	if err != nil {
		return nil, nil, l.fail(err)
	}
	recipe, err = l.recipe()
	if err != nil {
		release()
		return nil, nil, l.fail(l.explain(err))
	}
	return recipe, release, nil
}

// Close may be called once only.
func (s *source) Close() error {
	s.trees.done(s.tree)
	s.release()
	return s.File.Close()
}

// splitOptions says what the records know of the tar.
func (l *Layer) splitOptions() (opts tarsplit.Options) {
	// An unknown size is recorded as -1; none at all is that of the empty tar.
	if l.rec.DiffDigest != "" && l.rec.DiffSize >= 0 {
		opts.Size, opts.SizeKnown = l.rec.DiffSize, true
	}
	return opts
}

// recipe opens the layer's tar-split file, which in a split store lies in the graph
// root although the layer is in the image store.
func (l *Layer) recipe() (*os.File, error) {
	var err error
	for _, p := range l.place.halves() {
		var f *os.File
		f, err = p.root.File(p.driver + "-layers/" + l.rec.ID + ".tar-split.gz")
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: %s", ErrNoTar, l.whyNoRecipe())
}

// whyNoRecipe says it for people.
func (l *Layer) whyNoRecipe() string {
	_, lent, _ := l.lentTo() // what cannot be looked at is told by who needs it
	switch {
	case lent:
		return "it is in an additional layer store, which keeps its blob and not the place of each file in it"
	case l.rec.DiffDigest != "":
		return "it was made from a tar, but has no tar-split file"
	case l.rec.TOCDigest != "":
		return "it was pulled in parts, by a table of contents, and its tar was never seen"
	}
	return "it is a container's writable layer, and never was a tar"
}
