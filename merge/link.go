package merge

import (
	"archive/tar"
	"errors"

	"github.com/cstor-go/cstor/tarsplit"
)

// hardLinks are those of a layer whose target was not there when they came. It may come
// later, or be in the layers below.
type hardLinks struct {
	nodes  []uint32 // some may have been replaced since
	groups []group
}

// A group is hard links to one file. The header of a pending node is its group.
type group struct {
	target string // cleaned
	name   string // of the first of them in the tar
	state  state
	to     uint32
	seen   uint32 // by the search that began at the group before this one
	header uint32 // of the first, of type '1', if the layer is alone; else 0
	own    flags  // ownFile or 0
}

type state uint8

const (
	unused state = iota // all of its links have been replaced
	wanted
	found  // in this layer; to is the header
	sameAs // the group to
	below  // in the layers below, if anywhere
)

// link puts a hard link into its place.
func (l *layer) link(dir uint32, base string, e *tarsplit.Entry, s shape) error {
	name, _ := clean(e.Linkname)
	target, err := l.target(name)
	if err != nil && !errors.Is(err, errMissing) {
		return err
	}
	missing := err != nil
	var to uint32
	pending := missing
	if !missing {
		n := l.nodes.at(target)
		to, pending = n.header, n.is(isPending)
	}
	i, err := l.place(dir, base, 0)
	if err != nil {
		return err
	}
	l.name(i, e.Name, s)
	if !pending {
		l.bind(i, to, ownFile)
		return nil
	}
	if missing {
		to = uint32(len(l.links.groups))
		g := group{target: l.clone(name), name: l.clone(e.Name)}
		if l.alone {
			h, own, err := l.pack(e, tar.TypeLink, uint16(l.index))
			if err != nil {
				return err
			}
			g.header = l.headers.add(h)
			if own {
				g.own = ownFile
			}
		}
		l.links.groups = append(l.links.groups, g)
	}
	n := l.nodes.at(i)
	n.header = to
	n.flags |= isPending
	l.links.nodes = append(l.links.nodes, i)
	return nil
}

// target finds what a hard link leads to.
func (d *draft) target(name string) (uint32, error) {
	i, err := d.lookup(name)
	if err == nil && d.nodes.at(i).is(isDir) {
		return 0, ErrTarget
	}
	return i, err
}

// settleLinks looks for targets that came later than links to them.
func (l *layer) settleLinks() error {
	if len(l.links.nodes) == 0 {
		return nil
	}
	groups, alive := l.links.groups, l.alive()
	for _, i := range l.links.nodes {
		if n := l.nodes.at(i); n.is(isPending) && alive[i] {
			groups[n.header].state = wanted
		}
	}
	for i := range groups {
		if err := l.settle(&groups[i]); err != nil {
			return &EntryError{Layer: l.index, Name: groups[i].name, Err: err}
		}
	}
	for i := range groups {
		shorten(groups, uint32(i))
	}
	for _, i := range l.links.nodes {
		if n := l.nodes.at(i); n.is(isPending) && groups[n.header].state == found {
			l.bind(i, groups[n.header].to, ownFile)
		}
	}
	return nil
}

func (l *layer) settle(g *group) error {
	if g.state != wanted {
		return nil
	}
	i, err := l.target(g.target)
	switch {
	case errors.Is(err, errMissing):
		g.state = below
		return nil
	case err != nil:
		return err
	}
	n := l.nodes.at(i)
	g.to, g.state = n.header, found
	if n.is(isPending) {
		g.state = sameAs
	}
	return nil
}

// shorten makes a group, and those on its way, lead to the end of that. Of a circle the
// last one has its target below.
func shorten(groups []group, first uint32) {
	end := first
	for groups[end].state == sameAs {
		groups[end].seen = first + 1
		next := groups[end].to
		if groups[next].seen == first+1 {
			groups[end].state, groups[end].header = below, 0
			break
		}
		end = next
	}
	for i := first; i != end; {
		g := &groups[i]
		i = g.to
		if g.to = end; groups[end].state == found {
			g.state, g.to = found, groups[end].to
		}
	}
}

// A lower is the file below that a group leads to.
type lower struct {
	header uint32 // in the draft of the layers below
	name   string // of an entry there
	own    flags  // ownFile or 0
}

// settleBelow finds what groups lead to in the layers below, which are in d.
func (l *layer) settleBelow(d *draft, b *budget) (map[uint32]lower, error) {
	all := map[uint32]lower{}
	for i := range l.links.groups {
		g := &l.links.groups[i]
		if g.state != below {
			continue
		}
		d.steps += stepsPerEntry
		target, err := d.target(g.target)
		if errors.Is(err, errMissing) {
			err = ErrTarget
		}
		if err != nil {
			return nil, &EntryError{Layer: l.index, Name: g.name, Err: err}
		}
		n := d.nodes.at(target)
		d.headers.at(n.header).shared = true // the layer may have another file under the target's name
		name := d.tarName(target)
		if err := b.take(0, int64(len(name))); err != nil {
			return nil, err
		}
		all[uint32(i)] = lower{n.header, name, n.flags & ownFile}
	}
	for i, g := range l.links.groups {
		if g.state == sameAs {
			all[uint32(i)] = all[g.to]
		}
	}
	return all, nil
}

// keepLinks makes hard links to what only layers below have entries by themselves.
func (l *layer) keepLinks() error {
	groups := l.links.groups
	for i := range groups {
		if g := &groups[i]; g.state == below && (g.header == 0 || g.target == "") {
			return &EntryError{Layer: l.index, Name: g.name, Err: ErrTarget}
		}
	}
	for _, i := range l.links.nodes {
		n := l.nodes.at(i)
		if !n.is(isPending) {
			continue
		}
		g := &groups[n.header]
		if g.state == sameAs {
			g = &groups[g.to]
		}
		if g.state == below {
			l.bind(i, g.header, g.own)
		}
	}
	return nil
}
