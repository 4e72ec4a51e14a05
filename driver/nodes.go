package driver

import "iter"

// Named is a node with its name from the layer's root, which itself is ".". A
// whiteout has the name that it has on disk.
type Named struct {
	Name string
	*Node
}

// Walk yields all nodes of a layer: a directory before what is in it, and names in
// a directory sorted by their bytes. Files that only mark their directory opaque are
// left out, since the directory's node says it; whiteouts are not. Files are looked
// at while the iteration goes on, one by one or some hundred ([NodesReader]), so a layer
// that changes meanwhile is seen partly as it was. In one that a container may be writing
// to ([Changing]), names that are gone when they are looked at are left out.
//
// A pair is a node and nil, or an error, after which the iteration ends. It holds
// the names of one directory for each level of depth.
func Walk(files Files) iter.Seq2[Named, error] {
	return func(yield func(Named, error) bool) {
		w := walker{yield: yield, changing: Changing(files)}
		root, err := files.Lstat(".")
		if err != nil {
			yield(Named{}, err)
			return
		}
		if !w.tree(files, Named{".", root}) || w.gone == nil {
			return
		}
		// A layer that is being deleted is not one that has become empty.
		if last, err := files.Lstat("."); err != nil || last.Nlink == 0 && root.Nlink > 0 {
			yield(Named{}, w.gone)
		}
	}
}

// Changing reports whether somebody may be writing to a layer while it is read: a
// container.
func Changing(files Files) bool {
	f, ok := files.(interface{ Changing() bool })
	return ok && f.Changing()
}

// Changing implements what [Changing] asks.
func (o *Overlay) Changing() bool { return o.opts.Container }

// walker is one walk. Its methods report whether to go on.
type walker struct {
	yield    func(Named, error) bool
	changing bool
	gone     error // about a name that was gone
}

// left reports whether an error says that a name is gone that may go.
func (w *walker) left(err error) bool {
	if !w.changing || !absent(err) {
		return false
	}
	w.gone = err
	return true
}

func (w *walker) fail(err error) bool {
	w.yield(Named{}, err)
	return false
}

// tree yields n and, if it is a directory, all below it.
func (w *walker) tree(files Files, n Named) bool {
	if !w.yield(n, nil) {
		return false
	}
	if !n.Mode.IsDir() || n.Hides != "" {
		return true
	}
	list, err := files.ReadDir(n.Name)
	if w.left(err) {
		return true
	}
	if err != nil {
		return w.fail(err)
	}
	looks := looks{files: files, dir: n.Name, list: list}
	for _, e := range list {
		if e.Name == opaqueFile && n.Opaque == OpaqueYes {
			continue
		}
		child, err := looks.at(e.Name)
		if w.left(err) {
			continue
		}
		if err != nil {
			return w.fail(err)
		}
		if !w.tree(files, child) {
			return false
		}
	}
	return true
}
