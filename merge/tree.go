package merge

import (
	"iter"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/cstor-go/cstor/tarsplit"
)

// Tree is what a stack of layers shows. It does not change, and is safe for concurrent
// use.
type Tree struct {
	records
	nodes []leaf            // the root first; siblings are neighbours, sorted by name
	first map[uint32]uint32 // of shared headers: the node that is first in All
	last  atomic.Pointer[mapping]
}

// A leaf is a node of a Tree.
type leaf struct {
	node
	children uint32 // where they begin; they end where those of the next leaf begin
}

// Node is a path of the merged tree, and what it is.
type Node struct {
	// Path is clean and has no slash in front; the root's is ".". It may have any
	// bytes.
	Path string
	// Layer is the index of the layer that the Entry is of, and that has the content; -1
	// for a directory that no header names.
	Layer int
	// Entry is the header, never nil, and nobody else's, except Sparse and maps of more
	// than 4 KiB. It is complete for every name of a file: a hard link has the header of
	// the file that it leads to, with the name that it has itself in the tar, so that
	// File can be opened in Layer even if the file's first name is gone. Type is '0' or
	// '2' to '6', or '1' as [Options.Alone] tells; Linkname is that of a symbolic link, or
	// of a '1', or empty.
	//
	// A directory that no header names is root's, with mode 0755 and the epoch as time.
	Entry *tarsplit.Entry
	// Link is the Path of the first name of the file in the order of [Tree.All], if this
	// is a further one; else it is empty.
	Link string
}

// Len returns how many nodes there are, the root included.
func (t *Tree) Len() int { return len(t.nodes) }

// All iterates over all nodes: the root first, each directory before what is in it, and
// the names in a directory in the order of their bytes. Nodes may be kept; ranging again
// starts afresh.
func (t *Tree) All() iter.Seq[Node] {
	return func(yield func(Node) bool) { t.walk(0, nil, yield) }
}

// walk yields a node and all below it. A path is at most 2048 names deep.
func (t *Tree) walk(i uint32, path []byte, yield func(Node) bool) bool {
	if !yield(t.node(i, path)) {
		return false
	}
	from, to := t.children(i)
	if len(path) > 0 {
		path = append(path, '/')
	}
	for ; from < to; from++ {
		if !t.walk(from, append(path, t.base(from)...), yield) {
			return false
		}
	}
	return true
}

// Lookup returns the node of a name, which may be written in any way that a tar may
// write it. No link is followed.
func (t *Tree) Lookup(name string) (Node, bool) {
	i, path, ok := t.find(name)
	if !ok {
		return Node{}, false
	}
	return t.node(i, []byte(path)), true
}

// Below iterates over what is directly in a directory, in the order of names' bytes. The
// name is as for Lookup. There is nothing in what is no directory, or not there.
func (t *Tree) Below(dir string) iter.Seq[Node] {
	return func(yield func(Node) bool) {
		i, cleaned, ok := t.find(dir)
		if !ok {
			return
		}
		path := []byte(cleaned)
		if len(path) > 0 {
			path = append(path, '/')
		}
		for from, to := t.children(i); from < to; from++ {
			if !yield(t.node(from, append(path, t.base(from)...))) {
				return
			}
		}
	}
}

func (t *Tree) find(name string) (i uint32, cleaned string, ok bool) {
	cleaned, _ = clean(name)
	for rest := cleaned; rest != ""; {
		var base string
		base, rest, _ = strings.Cut(rest, "/")
		if i, ok = t.child(i, base); !ok {
			return 0, "", false
		}
	}
	return i, cleaned, true
}

// child returns what is called base in a directory.
func (t *Tree) child(dir uint32, base string) (i uint32, ok bool) {
	from, to := t.children(dir)
	at, found := slices.BinarySearchFunc(t.nodes[from:to], base, func(l leaf, base string) int {
		return strings.Compare(t.texts.at(l.name, int(l.size)), base)
	})
	return from + uint32(at), found
}

func (t *Tree) base(i uint32) string { return t.texts.at(t.nodes[i].name, int(t.nodes[i].size)) }

func (t *Tree) children(i uint32) (from, to uint32) {
	from, to = t.nodes[i].children, uint32(len(t.nodes))
	if int(i)+1 < len(t.nodes) {
		to = t.nodes[i+1].children
	}
	return from, to
}

// path returns the way to a node from the root, "" for the root itself.
func (t *Tree) path(i uint32) []byte {
	path := make([]byte, t.nodes[i].length)
	for end := len(path); end > 0; i = t.nodes[i].parent {
		end -= int(t.nodes[i].size)
		copy(path[end:], t.base(i))
		if end > 0 {
			end--
			path[end] = '/'
		}
	}
	return path
}
