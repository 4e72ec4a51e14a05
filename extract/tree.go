package extract

import (
	"context"
	"syscall"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/imagefs"
	"github.com/cstor-go/cstor/merge"
)

const errNotDir = syscall.ENOTDIR

// merged is the tree that layers show together.
func merged(ctx context.Context, layers []*cstor.Layer) (*merge.Tree, error) {
	alone := len(layers) == 1 && layers[0].ParentID() != ""
	return imagefs.Merge(ctx, layers, imagefs.MergeOptions{Options: merge.Options{Alone: alone}})
}

// filesOf are the files of layers as they lie on disk; nil if they are not to be had.
func filesOf(layers []*cstor.Layer) *imagefs.FS {
	files, err := imagefs.New(layers, imagefs.Options{})
	if err != nil {
		return nil
	}
	return files
}

// complete gives a directory that no header names, and a further name of a file of
// layers that are left out, what the disk has of it.
func (x *extraction) complete(n *merge.Node) error {
	if n.Layer >= 0 && n.Entry.Type != '1' {
		return nil
	}
	if files := x.files(); files != nil {
		if err := files.Complete(n); err != nil {
			return failed("look", err)
		}
	}
	if n.Entry.Type == '0' {
		n.Entry.File = n.Entry.Name
	}
	return nil
}
