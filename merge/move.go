package merge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
)

// A move says that what the layers below have of a directory lies elsewhere in them, since
// it was renamed in this layer ([tarsplit.Entry.Redirect]).
type move struct {
	dir  uint32 // in the layer
	to   string // as in the entry
	name string // in the tar, for errors
}

// errRedirect is about what the kernel refuses too (linux
// fs/overlayfs/util.c:ovl_get_redirect_xattr, fs/namei.c:lookup_one_common).
var errRedirect = fmt.Errorf("no valid redirect: %w", syscall.EINVAL)

// move notes that directory i was renamed.
func (l *layer) move(i uint32, name, to string) error {
	switch {
	case l.alone:
		return fmt.Errorf("what it shows lies in the layers below as %.200q (overlay redirect), and they are not given: %w", to, errors.ErrUnsupported)
	case i == l.root, len(to) > maxPath:
		return fmt.Errorf("%.200q: %w", to, errRedirect)
	}
	parts, absolute := strings.CutPrefix(to, "/")
	for part := range strings.SplitSeq(parts, "/") {
		if part == "" || part == "." || part == ".." {
			return fmt.Errorf("%.200q: %w", to, errRedirect)
		}
	}
	if !absolute && strings.Contains(to, "/") {
		return fmt.Errorf("%.200q: %w", to, errRedirect)
	}
	l.moves = append(l.moves, move{i, l.clone(to), l.clone(name)})
	return nil
}

// moved is a node in what a renamed directory takes along.
type moved struct {
	parent int    // in the list; -1 for the directory itself
	node   node   // see copyOf
	name   string // in the tar of its layer
}

// moving finds what the renamed directories of a layer take along. That is told by the
// layers below as they are without this one, so it is found before the layer is laid over
// them. The kernel looks each layer below through for itself, and stops at the one that
// hides those further down: what it comes to is what they show together.
type moving struct {
	*draft // of the layers below
	over   *layer
	to     map[uint32]string // by directory of the layer
	opaque map[uint32]bool   // likewise
}

// takeAlong returns what comes with the renamed directories of a layer.
func (d *draft) takeAlong(ctx context.Context, over *layer, b *budget) (map[uint32][]moved, error) {
	if len(over.moves) == 0 {
		return nil, nil
	}
	m := moving{draft: d, over: over, to: map[uint32]string{}, opaque: map[uint32]bool{}}
	names := map[uint32]string{}
	for _, v := range over.moves {
		m.to[v.dir], names[v.dir] = v.to, v.name
	}
	for _, k := range over.marks {
		if k.opaque {
			m.opaque[k.dir] = true
		}
	}
	children, starts := d.children()
	all := make(map[uint32][]moved, len(m.to))
	for dir := range m.to {
		var list []moved
		from := m.origin(dir)
		if from == none {
			all[dir] = nil
			continue
		}
		at := []uint32{from}
		for i := 0; i < len(at); i++ {
			if i%checkEvery == 0 {
				if err := context.Cause(ctx); err != nil {
					return nil, err
				}
			}
			for _, child := range children[starts[at[i]]:starts[at[i]+1]] {
				name := d.tarName(child)
				if err := b.take(1, int64(len(name))); err != nil {
					return nil, &EntryError{Layer: over.index, Name: names[dir], Err: err}
				}
				list = append(list, moved{i - 1, d.copyOf(child), name})
				at = append(at, child)
			}
		}
		all[dir] = list
	}
	return all, nil
}

// copyOf returns a copy of a node with a header that nothing changes while the layer is
// laid over the draft: one of its own, or one that several names share.
func (d *draft) copyOf(i uint32) node {
	n := *d.nodes.at(i)
	if n.header != 0 && !d.headers.at(n.header).shared {
		n.header = d.headers.add(*d.headers.at(n.header))
	}
	return n
}

// origin is the directory of the layers below whose children those of a directory of the
// layer lie upon; none if there is none.
func (m *moving) origin(i uint32) uint32 {
	if i == m.over.root {
		return m.root
	}
	n := m.over.nodes.at(i)
	to, ok := m.to[i]
	if !ok {
		to = m.over.base(n)
	}
	at := m.root
	if rest, absolute := strings.CutPrefix(to, "/"); ok && absolute {
		to = rest
	} else {
		at = m.origin(n.parent)
	}
	if m.opaque[i] {
		return none
	}
	for part := range strings.SplitSeq(to, "/") {
		if at == none {
			return none
		}
		if at = m.find(at, part); at == 0 || !m.nodes.at(at).is(isDir) {
			return none
		}
	}
	return at
}

// bring puts what a renamed directory takes along into its place, at, where nothing is
// yet. A file that has several names keeps those that stay where they are.
func (y *laying) bring(at uint32, list []moved) error {
	places := make([]uint32, len(list))
	for i, m := range list {
		dir := at
		if m.parent >= 0 {
			dir = places[m.parent]
		}
		to, err := y.place(dir, y.base(&m.node), m.node.flags&isDir)
		if err != nil {
			return err
		}
		places[i] = to
		y.rename(to, m.name, shapeOdd)
		switch {
		case m.node.header == 0: // a directory that no header names
		case y.headers.at(m.node.header).shared:
			y.bind(to, m.node.header, m.node.flags&ownFile)
		default:
			n := y.nodes.at(to)
			n.header, n.flags = m.node.header, n.flags|m.node.flags&ownFile
		}
	}
	return nil
}
