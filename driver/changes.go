package driver

import (
	"cmp"
	"io/fs"
	"iter"
	"maps"
	"path"
	"time"
)

// Changes yields what the tree files has otherwise than the tree below, as a layer
// over it would: nodes that differ or are new, the directories that lead to them, and
// a whiteout for each name that is gone. It is for drivers whose layers are whole
// trees ([VFS]). Order and errors are those of [Walk].
//
// Content is not compared: a file is the same if type, permissions, owner, size, time
// and attributes are, which is also what the storage library goes by (container-libs
// storage/pkg/archive/changes_unix.go:statDifferent). Of a directory, the size does not
// count, and time only if opts say so.
func Changes(files, below Files, opts ChangesOptions) iter.Seq2[Named, error] {
	return func(yield func(Named, error) bool) {
		upper, err := files.Lstat(".")
		if err != nil {
			yield(Named{}, err)
			return
		}
		lower, err := below.Lstat(".")
		if err != nil {
			yield(Named{}, err)
			return
		}
		c := changes{walker: walker{yield: yield}, files: files, below: below, opts: opts}
		c.both(Named{".", upper}, lower)
	}
}

// ChangesOptions of [Changes]. The zero value is ready to use.
type ChangesOptions struct {
	// DirTimes: a directory whose time is another has changed, to the second if either
	// has no fraction of one.
	DirTimes bool
}

type changes struct {
	walker
	files, below Files
	opts         ChangesOptions
	pending      []Named // directories that are the same, and may have a change in them
}

// change yields n, and before it the directories that lead to it.
func (c *changes) change(n Named) bool {
	for _, dir := range c.pending {
		if !c.yield(dir, nil) {
			return false
		}
	}
	c.pending = nil
	return c.yield(n, nil)
}

// gone yields a whiteout for a name that only the tree below has.
func (c *changes) gone(dir, base string) bool {
	return c.change(Named{path.Join(dir, base), &Node{Hides: base, ModTime: time.Unix(0, 0)}})
}

// fresh yields a tree that is not below.
func (c *changes) fresh(n Named) bool {
	walk := walker{yield: func(n Named, err error) bool {
		if err != nil {
			return c.fail(err)
		}
		return c.change(n)
	}}
	return walk.tree(c.files, n)
}

// both compares a node that is in both trees under one name.
func (c *changes) both(n Named, lower *Node) bool {
	if !n.Mode.IsDir() || !lower.Mode.IsDir() {
		return sameNode(n.Node, lower) || c.fresh(n)
	}
	if sameNode(n.Node, lower) && (!c.opts.DirTimes || SameTime(n.ModTime, lower.ModTime)) {
		c.pending = append(c.pending, n)
	} else if !c.change(n) {
		return false
	}
	upperList, err := c.files.ReadDir(n.Name)
	if err != nil {
		return c.fail(err)
	}
	lowerList, err := c.below.ReadDir(n.Name)
	if err != nil {
		return c.fail(err)
	}
	upper, below := looks{files: c.files, dir: n.Name, list: upperList}, looks{files: c.below, dir: n.Name, list: common(lowerList, upperList)}
	for len(upperList)+len(lowerList) > 0 {
		var order int
		switch {
		case len(lowerList) == 0:
			order = -1
		case len(upperList) == 0:
			order = 1
		default:
			order = cmp.Compare(upperList[0].Name, lowerList[0].Name)
		}
		var ok bool
		switch {
		case order > 0:
			ok = c.gone(n.Name, lowerList[0].Name)
		case order < 0:
			ok = c.pair(&upper, nil, upperList[0].Name)
		default:
			ok = c.pair(&upper, &below, upperList[0].Name)
		}
		if !ok {
			return false
		}
		if order <= 0 {
			upperList = upperList[1:]
		}
		if order >= 0 {
			lowerList = lowerList[1:]
		}
	}
	if last := len(c.pending) - 1; last >= 0 && c.pending[last].Name == n.Name { // nothing changed in it
		c.pending = c.pending[:last]
	}
	return true
}

// common returns those of a that b has as well. Both are sorted.
func common(a, b []DirEntry) (both []DirEntry) {
	for _, e := range a {
		for len(b) > 0 && b[0].Name < e.Name {
			b = b[1:]
		}
		if len(b) > 0 && b[0].Name == e.Name {
			both = append(both, e)
		}
	}
	return both
}

// pair deals with a name that the upper tree has, and the lower one if below is not
// nil.
func (c *changes) pair(upper, below *looks, base string) bool {
	n, err := upper.at(base)
	if err != nil {
		return c.fail(err)
	}
	if below == nil {
		return c.fresh(n)
	}
	old, err := below.at(base)
	if err != nil {
		return c.fail(err)
	}
	return c.both(n, old.Node)
}

// SameTime reports whether two times of files are the same: tars that were written without
// fractions of seconds count as equal (container-libs
// storage/pkg/archive/changes.go:sameFsTime).
func SameTime(a, b time.Time) bool {
	return a.Equal(b) || a.Unix() == b.Unix() && (a.Nanosecond() == 0 || b.Nanosecond() == 0)
}

// sameNode reports whether two nodes are the same as far as metadata tell.
func sameNode(a, b *Node) bool {
	if a.Mode != b.Mode || a.UID != b.UID || a.GID != b.GID || !maps.Equal(a.Xattrs, b.Xattrs) {
		return false
	}
	switch {
	case a.Mode.IsDir():
		return true
	case a.Mode&fs.ModeDevice != 0 && (a.DevMajor != b.DevMajor || a.DevMinor != b.DevMinor):
		return false
	}
	return a.Size == b.Size && a.Link == b.Link && a.ModTime.Equal(b.ModTime)
}
