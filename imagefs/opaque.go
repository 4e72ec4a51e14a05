package imagefs

import (
	"archive/tar"
	"context"
	"path"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/merge"
)

// Opaque implements [driver.Stack]. What cannot be seen is told by the layer's tar, which
// is read once. Of a layer whose tar is not known, it is an error each time.
func (t *disk) Opaque(i int, name string, n *driver.Node) (bool, error) {
	if n.Opaque != driver.OpaqueUnknown || i == len(t.layers)-1 {
		return n.Opaque == driver.OpaqueYes, nil
	}
	opaque, err := t.marks[i].get(func() (map[string]bool, error) { return opaqueDirs(t.layers[i]) })
	return opaque[name], err
}

// opaqueDirs are the opaque directories of a layer by its tar. Names of marks may lead
// through links of the layer.
func opaqueDirs(l *cstor.Layer) (map[string]bool, error) {
	dirs, linked := map[string]bool{}, links{}
	for e, err := range l.Entries(context.Background()) {
		if err != nil {
			return nil, err
		}
		if dir, _, opaque, _ := merge.Whiteout(e.Name); opaque {
			dirs[dir] = true
		}
		linked.add(e.Name, e.Type)
	}
	if !linked.leadTo(dirs) {
		return dirs, nil
	}
	tree, err := Merge(context.Background(), []*cstor.Layer{l}, MergeOptions{Options: merge.Options{Alone: true}})
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for dir := range dirs {
		if at, err := tree.Follow(dir, true); err == nil && at.Entry.Type == tar.TypeDir {
			found[at.Path] = true // else what hides the directory hides all below it
		}
	}
	return found, nil
}

// links are the names of a layer that may be symbolic links, cleaned: hard links too,
// which may lead to such a one.
type links map[string]bool

func (l links) add(name string, typeflag byte) {
	if typeflag == tar.TypeSymlink || typeflag == tar.TypeLink {
		l[path.Clean("/" + name)[1:]] = true
	}
}

// leadTo reports whether a link may be on the way to one of these directories, or be one
// of them.
func (l links) leadTo(dirs map[string]bool) bool {
	for dir := range dirs {
		if l.on(dir) {
			return true
		}
	}
	if len(dirs) > 0 {
		for name := range l { // whose own place is another then
			if l.on(path.Dir(name)) {
				return true
			}
		}
	}
	return false
}

// on reports whether a name or one of its parents is a link.
func (l links) on(name string) bool {
	for ; name != "."; name = path.Dir(name) {
		if l[name] {
			return true
		}
	}
	return false
}
