package main

import (
	"context"
	"errors"
	"io/fs"
	"runtime/debug"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/imagefs"
	"github.com/cstor-go/cstor/merge"
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
	tree, err := imagefs.Merge(ctx, layers, imagefs.MergeOptions{Options: merge.Options{Alone: alone}})
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
