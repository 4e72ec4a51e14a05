package imagefs

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/merge"
	"github.com/cstor-go/cstor/tarsplit"
)

// MergeOptions of [Merge]. The zero value is ready to use.
type MergeOptions struct {
	merge.Options
	// Seen, if not nil, is shown every entry of the layers, marks of deletion too; those of
	// a layer in their order, and several layers at a time.
	Seen func(layer int, e *tarsplit.Entry)
}

// Merge says what layers, base first, show together by their headers: [merge.Build] of
// their [cstor.Layer.Entries]. An error about an entry is a [*cstor.StoreError] that names
// the layer and the entry. No files are opened; [FS.Complete] adds what no header says.
func Merge(ctx context.Context, layers []*cstor.Layer, opts MergeOptions) (*merge.Tree, error) {
	var all []iter.Seq2[*tarsplit.Entry, error]
	for n, l := range layers {
		all = append(all, opts.seen(n, l.Entries(ctx)))
	}
	tree, err := merge.Build(ctx, all, opts.Options)
	if entry := (*merge.EntryError)(nil); errors.As(err, &entry) {
		l := layers[entry.Layer]
		root, _ := l.Store()
		err = &cstor.StoreError{Store: root, What: "layer " + l.ID(), Err: fmt.Errorf("entry %.200q: %w", entry.Name, entry.Err)}
	}
	return tree, err
}

// seen passes entries on that have been shown.
func (o *MergeOptions) seen(layer int, entries iter.Seq2[*tarsplit.Entry, error]) iter.Seq2[*tarsplit.Entry, error] {
	if o.Seen == nil {
		return entries
	}
	return func(yield func(*tarsplit.Entry, error) bool) {
		for e, err := range entries {
			if err == nil {
				o.Seen(layer, e)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}
