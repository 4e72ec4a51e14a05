package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"runtime/debug"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/imagefs"
	"github.com/cstor-go/cstor/merge"
	"github.com/cstor-go/cstor/tarsplit"
)

// merged is the tree of a stack of layers, by their headers.
type merged struct {
	*merge.Tree
	layers []*cstor.Layer // base first
	files  *imagefs.FS    // for directories that no header names; nil if not to be had
}

// newMerged merges layers, base first. Alone says that it is one layer, and those below it
// are left out.
func newMerged(ctx context.Context, layers []*cstor.Layer, alone bool) (*merged, error) {
	// What is kept is many times as much as in other commands: see main.
	debug.SetGCPercent(100)
	var entries []iter.Seq2[*tarsplit.Entry, error]
	for _, l := range layers {
		entries = append(entries, l.Entries(ctx))
	}
	tree, err := merge.Build(ctx, entries, merge.Options{Alone: alone})
	if entry := (*merge.EntryError)(nil); errors.As(err, &entry) {
		root, _ := layers[entry.Layer].Store()
		err = &cstor.StoreError{Store: root, What: "layer " + layers[entry.Layer].ID(), Err: fmt.Errorf("entry %q: %w", entry.Name, entry.Err)}
	}
	if err != nil {
		return nil, err
	}
	m := &merged{Tree: tree, layers: layers}
	if files, err := imagefs.New(layers, imagefs.Options{}); err == nil {
		m.files = files
	}
	return m, nil
}

// owner is the layer of a node; nil for a directory that no header names.
func (m *merged) owner(n merge.Node) *cstor.Layer {
	if n.Layer < 0 {
		return nil
	}
	return m.layers[n.Layer]
}

// complete gives a node what the disk has of it and headers do not. What this user may
// not look at stays as it is: a listing is no less right for it than without.
func (m *merged) complete(n merge.Node) (merge.Node, error) {
	if m.files == nil {
		return n, nil
	}
	err := m.files.Complete(&n)
	if errors.Is(err, fs.ErrPermission) {
		err = nil
	}
	return n, err
}
