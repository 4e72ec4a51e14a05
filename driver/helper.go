package driver

import "github.com/cstor-go/cstor/internal/beneath"

// Helper opens layers where more may be read than in this process: in another one, in
// the user's namespace. *userns.Helper is one. Implementations are safe for concurrent
// use.
//
// Trees that it opens answer as those of [Open] do, with the same values and, but for
// their types, the same errors. They may be [NodesReader] and tarsplit.BatchReader, and
// may have a method Ended, which reports whether the other process is gone: then all
// calls fail, and the layer is to be opened again.
type Helper interface {
	// OpenLayer is [Open], there or, where that does as well, here.
	OpenLayer(stores []*beneath.Dir, spec Spec) (Tree, error)
	// ReadItem is [ReadItem] likewise.
	ReadItem(stores []*beneath.Dir, at Place, name string) (Item, error)
}

// Ended reports whether a tree is of a process that is gone: see [Helper].
func Ended(t Tree) bool {
	e, ok := t.(interface{ Ended() bool })
	return ok && e.Ended()
}
