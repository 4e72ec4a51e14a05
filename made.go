package cstor

import (
	"context"
	"errors"
	"io"
	"iter"
	"os"

	"github.com/cstor-go/cstor/driver"
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
		entries := l.treeEntries(tree.Tree)
		if l.hasTOC() {
			entries = l.tocEntries(tree.Tree)
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

var _ tarsplit.BatchReader = layerFiles{}

func (f layerFiles) OpenFile(name string) (file *os.File, err error) {
	tree, err := f.layer.snap.trees.use(f.layer)
	if err != nil {
		return nil, err
	}
	defer f.layer.snap.trees.done(tree)
	file, err = tree.OpenFile(name)
	if errors.Is(err, driver.ErrMetacopy) {
		return f.layer.contentBelow(name)
	}
	return file, err
}

func (f layerFiles) ReadFile(name string, p []byte) (size int64, err error) {
	tree, err := f.layer.snap.trees.use(f.layer)
	if err != nil {
		return 0, err
	}
	defer f.layer.snap.trees.done(tree)
	if size, err = tree.ReadFile(name, p); !errors.Is(err, driver.ErrMetacopy) {
		return size, err
	}
	file, err := f.layer.contentBelow(name)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	if info.Size() == int64(len(p)) {
		if _, err = io.ReadFull(file, p); errors.Is(err, io.EOF) { // cut to nothing meanwhile
			err = io.ErrUnexpectedEOF
		}
	}
	return info.Size(), err
}

// ReadFiles reads several files in one use of the tree.
func (f layerFiles) ReadFiles(files []tarsplit.FileInto) (n int, size int64, err error) {
	tree, err := f.layer.snap.trees.use(f.layer)
	if err != nil {
		return 0, 0, err
	}
	defer f.layer.snap.trees.done(tree)
	together, ok := tree.Tree.(tarsplit.BatchReader)
	for n < len(files) {
		if ok {
			var read int
			if read, size, err = together.ReadFiles(files[n:]); n+read >= len(files) {
				return len(files), 0, nil
			}
			n += read
		} else {
			size, err = tree.ReadFile(files[n].Name, files[n].P)
		}
		if errors.Is(err, driver.ErrMetacopy) {
			size, err = f.ReadFile(files[n].Name, files[n].P)
		}
		if err != nil || size != int64(len(files[n].P)) {
			return n, size, err
		}
		n++
	}
	return n, 0, nil
}
