package cstor

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/tarsplit"
	"github.com/cstor-go/cstor/toc"
)

// Entries yields the entries of the layer's tar, in its order: headers as the tar had
// them, extensions applied, and where content lies in the tar. It opens no file of the
// layer, only its recipe.
//
// A layer without tar-split has the entries of the table of contents by which it was
// pulled, and else those that its files on disk make, sorted, each directory before
// what is in it: times and modes are then those on disk, owners those that
// [Layer.Lstat] tells, sockets are left out, and marks of deletion are ".wh." files, as in any tar. Of a vfs layer, which is a whole
// tree, it is what differs from its parent's. Such entries have no place in a tar:
// Header and Content are 0. A directory whose mark for hiding those below cannot be
// seen (root's stores, read by others) is an error that matches [fs.ErrPermission]. Of one
// that was renamed in a container the entry's Redirect tells, which package merge follows.
//
// A pair is (entry, nil) or (nil, err), and after an error the iteration ends. Errors
// are those of [Layer.Tar] and of [tarsplit.Entries]. Yielded entries may be kept; the
// iteration may be begun again, and by several goroutines at once.
func (l *Layer) Entries(ctx context.Context) iter.Seq2[*tarsplit.Entry, error] {
	return func(yield func(*tarsplit.Entry, error) bool) {
		if err := context.Cause(ctx); err != nil {
			yield(nil, err)
			return
		}
		recipe, release, err := l.heldRecipe(ctx)
		if errors.Is(err, ErrNoTar) {
			for entry, err := range l.madeEntries(ctx) {
				if !yield(entry, l.fail(err)) {
					return
				}
			}
			return
		}
		if err != nil {
			yield(nil, err)
			return
		}
		defer release()
		defer recipe.Close()
		for entry, err := range tarsplit.Entries(patient{ctx, recipe}, l.splitOptions()) {
			if !yield(entry, l.fail(err)) {
				return
			}
		}
	}
}

// EntrySource is what entries of a layer are read from.
type EntrySource string

// Sources of entries, the best first.
const (
	EntriesOfTar  EntrySource = "tar-split" // the headers of the layer's tar
	EntriesOfTOC  EntrySource = "toc"       // the table of contents by which it was pulled
	EntriesOfTree EntrySource = "tree"      // its files as they lie on disk
)

// EntrySource says what [Layer.Entries] reads. Only for a tree are the layer's files
// looked at, which takes the rights to do so.
func (l *Layer) EntrySource() (EntrySource, error) {
	recipe, err := l.recipe()
	switch {
	case err == nil:
		return EntriesOfTar, recipe.Close()
	case !errors.Is(err, ErrNoTar):
		return "", l.fail(err)
	case l.hasTOC():
		return EntriesOfTOC, nil
	}
	return EntriesOfTree, nil
}

// TOC yields the table of contents by which a layer was pulled in parts, chunks
// included, as it is stored: see [toc.Decode]. A layer that has none gives an error that
// matches [ErrNotFound].
func (l *Layer) TOC() iter.Seq2[*toc.Entry, error] {
	return func(yield func(*toc.Entry, error) bool) {
		table, err := l.BigData(driver.TableKey)
		if err != nil {
			yield(nil, err)
			return
		}
		for e, err := range toc.Decode(bytes.NewReader(table), toc.DecodeOptions{}) {
			if !yield(e, l.fail(err)) {
				return
			}
		}
	}
}

// patient is read as long as its context lasts.
type patient struct {
	ctx context.Context
	io.ReadCloser
}

func (p patient) Read(b []byte) (int, error) {
	if err := context.Cause(p.ctx); err != nil {
		return 0, err
	}
	return p.ReadCloser.Read(b)
}
