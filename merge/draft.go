package merge

import (
	"archive/tar"
	"fmt"
	"syscall"
)

type flags uint8

const (
	isDir     flags = 1 << iota
	isDead          // deleted or replaced, with all below it
	isGhost         // a directory that only names of whiteouts imply
	isPending       // a hard link whose file is not known yet
	ownFile         // the content, if there is any, is under the node's own name in the tar
	shapeBits = 5   // and up: the shape
)

// A node is a name in a directory. Nodes and headers have no pointers, which spares
// the garbage collector most of the work.
type node struct {
	parent uint32 // the root's is the root
	name   uint32 // the last component, in texts
	header uint32 // 0: none; of a pending one the index of its group
	odd    uint32 // the name in the tar, if shape does not tell; else 0
	length uint16 // of the path, in bytes; 0 for the root
	size   uint8  // of the last component, in bytes
	flags  flags
}

func (n *node) is(f flags) bool { return n.flags&f != 0 }

func (n *node) shape() shape { return shape(n.flags >> shapeBits) }

// A draft is a tree that is being made: of a layer, or of several. A node's index is
// greater than its parent's.
type draft struct {
	root  uint32
	nodes list[node]
	table table
	records
	owned    map[owner]uint32
	packed   map[string]string // each to itself
	packing  []byte
	last     mapping // packed last
	replaced int     // counts what may change the way to a directory
	implied  int     // counts directories that are made because names lead through them

	links int // followed in the present walk
	steps int // left for following links
	rests [maxLinks]string
}

func newDraft() *draft {
	d := &draft{table: newTable(), owned: map[owner]uint32{}, packed: map[string]string{}, steps: freeSteps}
	d.nodes.add(node{flags: isDir})
	d.texts = newTexts()
	d.odd.add("") // 0 says that there is none, and so below
	d.headers.add(header{})
	d.extras.add(extra{})
	return d
}

func (d *draft) base(n *node) string { return d.texts.at(n.name, int(n.size)) }

// path returns the way to a node from the root, "" for the root itself.
func (d *draft) path(i uint32) string {
	n := d.nodes.at(i)
	buf := make([]byte, n.length)
	for end := len(buf); end > 0; n = d.nodes.at(n.parent) {
		end -= copy(buf[end-int(n.size):], d.base(n))
		if end > 0 {
			end--
			buf[end] = '/'
		}
	}
	return string(buf)
}

// tarName returns the name of a node as its tar has it.
func (d *draft) tarName(i uint32) string {
	if n := d.nodes.at(i); n.odd == 0 {
		return n.shape().of(d.path(i))
	}
	return *d.odd.at(d.nodes.at(i).odd)
}

// find returns the child of a directory, 0 if there is none.
func (d *draft) find(dir uint32, base string) uint32 {
	_, i := d.slot(d.table.hash(dir, base), dir, base)
	if i != 0 && d.nodes.at(i).is(isDead) {
		return 0
	}
	return i
}

// place returns the child base of dir, which becomes a directory or not, as f says. A
// directory that stays one keeps its children and its header, and what stays something
// else its index alone: who calls this gives it another header.
func (d *draft) place(dir uint32, base string, f flags) (uint32, error) {
	hash := d.table.hash(dir, base)
	at, i := d.slot(hash, dir, base)
	if i != 0 && !d.nodes.at(i).is(isDead) {
		n := d.nodes.at(i)
		both := n.flags & f & isDir
		if both == 0 {
			d.replaced++
		}
		if both != 0 || (n.flags|f)&isDir == 0 {
			return i, nil
		}
		n.flags |= isDead
	}
	parent := d.nodes.at(dir)
	length := int(parent.length) + len(base)
	if parent.length > 0 {
		length++
	}
	if len(base) > maxBase || length > maxPath {
		return 0, fmt.Errorf("%.40q…: %w", base, syscall.ENAMETOOLONG)
	}
	i = d.nodes.add(node{parent: dir, name: d.keep(base), length: uint16(length), size: uint8(len(base)), flags: f})
	d.table.enter(at, hash, i)
	return i, nil
}

// renew gives a directory another index, under which it has no children.
func (d *draft) renew(i uint32) uint32 {
	n := *d.nodes.at(i)
	d.nodes.at(i).flags |= isDead
	fresh := d.nodes.add(n)
	if i == d.root {
		d.root = fresh
		d.nodes.at(fresh).parent = fresh
		return fresh
	}
	base := d.base(&n)
	hash := d.table.hash(n.parent, base)
	at, _ := d.slot(hash, n.parent, base)
	d.table.enter(at, hash, fresh)
	return fresh
}

// rename sets the name that a node has in its tar, which is kept only if it is odd.
func (d *draft) rename(i uint32, name string, s shape) {
	odd := uint32(0)
	if s == shapeOdd {
		odd = d.odd.add(name)
	}
	n := d.nodes.at(i)
	n.odd = odd
	n.flags = n.flags&(1<<shapeBits-1) | flags(s)<<shapeBits
}

// describe makes h the header of a node that has been placed.
func (d *draft) describe(i uint32, h header, own bool) {
	n := d.nodes.at(i)
	if n.is(isPending) {
		n.header = 0
	}
	n.flags &^= isPending | isGhost | ownFile
	if own {
		n.flags |= ownFile
	}
	if n.header != 0 && !d.headers.at(n.header).shared {
		*d.headers.at(n.header) = h
		return
	}
	n.header = d.headers.add(h)
}

// bind makes a node a further name of the file with a header. Own is ownFile or 0.
func (d *draft) bind(i, header uint32, own flags) {
	d.headers.at(header).shared = true
	n := d.nodes.at(i)
	n.header = header
	n.flags = n.flags&^(isPending|ownFile) | own
}

// isSymlink is about a node that is no directory.
func (d *draft) isSymlink(n *node) bool {
	return !n.is(isPending) && d.headers.at(n.header).kind == tar.TypeSymlink
}

// alive tells of all nodes which can be reached.
func (d *draft) alive() []bool {
	alive := make([]bool, d.nodes.n)
	for i := range uint32(d.nodes.n) { // parents come first
		n := d.nodes.at(i)
		alive[i] = i == d.root || !n.is(isDead) && alive[n.parent]
	}
	return alive
}
