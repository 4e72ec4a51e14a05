package merge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"sync/atomic"

	"github.com/cstor-go/cstor/tarsplit"
)

// Options for [Build]; the zero value has the defaults.
type Options struct {
	// MaxEntries is how many entries all layers may have together, counting also the
	// directories that names imply: 0 is 16 Mi, more than 1 Gi is 1 Gi.
	MaxEntries int
	// MaxText is how many bytes of names, link targets and attributes may be kept of
	// all layers together: 0 is 1 GiB, more than 3 GiB is 3 GiB.
	MaxText int64
	// Alone: there are layers below the base which are not given. A hard link of the
	// base to a file that it does not have is then no error but an entry of type '1',
	// of which the headers do not say size and content.
	Alone bool
}

// Build merges a stack of layers, base first. Entries and their small maps may be used
// again by who yields them; large maps, of more than 16 keys, must not change until Build
// returns. It ranges over each once; several at the
// same time, in goroutines that have ended when it returns. No layers make a tree that
// has a root.
//
// An error of a layer's iterator is returned as it is, and one about an entry as an
// [*EntryError]; if several layers have errors, it is that of the lowest, unless a limit
// has been reached first: that is [ErrLimit]. If ctx ends, the error is its cause.
func Build(ctx context.Context, layers []iter.Seq2[*tarsplit.Entry, error], opts Options) (*Tree, error) {
	b, err := newBudget(opts)
	if err != nil {
		return nil, err
	}
	if len(layers) > maxLayers {
		return nil, fmt.Errorf("%d layers: %w", len(layers), ErrLimit)
	}
	read := func(ctx context.Context, i int) (*layer, error) {
		return readLayer(ctx, i, layers[i], b, opts.Alone && i == 0)
	}
	all := newDraft()
	for l, err := range inOrder(ctx, len(layers), read) {
		switch {
		case err != nil:
		case l.index == 0:
			all, err = l.asBase()
		default:
			err = all.lay(ctx, l, b)
		}
		if err != nil {
			return nil, err
		}
	}
	return all.finish(ctx)
}

const (
	defaultMaxEntries = 16 << 20
	maxMaxEntries     = 1 << 30 // so that indexes have 32 bits
	defaultMaxText    = 1 << 30
	maxMaxText        = 3 << 30 // likewise, with what is lost at the end of pieces
	maxLayers         = math.MaxUint16
)

// A budget is what all layers have together.
type budget struct {
	maxEntries, maxText int64
	entries, text       atomic.Int64
}

func newBudget(opts Options) (*budget, error) {
	if opts.MaxEntries < 0 || opts.MaxText < 0 {
		return nil, errors.New("negative limit")
	}
	return &budget{
		maxEntries: int64(min(cmp.Or(opts.MaxEntries, defaultMaxEntries), maxMaxEntries)),
		maxText:    min(cmp.Or(opts.MaxText, defaultMaxText), maxMaxText),
	}, nil
}

func (b *budget) take(entries, text int64) error {
	if b.entries.Add(entries) > b.maxEntries {
		return fmt.Errorf("more than %d entries: %w", b.maxEntries, ErrLimit)
	}
	if b.text.Add(text) > b.maxText {
		return fmt.Errorf("more than %d bytes of names and attributes: %w", b.maxText, ErrLimit)
	}
	return nil
}

// An account is a layer's with the budget, which it asks now and then.
type account struct {
	*budget
	entries int64 // so far
	implied int   // of which the budget knows, and so below
	taken   int64
	text    int64
}

// due reports whether a layer has grown much since settle. One entry can imply 2047
// directories, or have 1 MiB of attributes.
func (a *account) due(d *draft) bool {
	return a.entries-a.taken >= checkEvery || d.implied-a.implied >= 4*checkEvery || d.text-a.text >= 1<<20
}

func (a *account) settle(d *draft) error {
	entries, text := a.entries-a.taken+int64(d.implied-a.implied), d.text-a.text
	a.taken, a.implied, a.text = a.entries, d.implied, d.text
	return a.take(entries, text)
}
