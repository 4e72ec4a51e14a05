package merge

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
)

// finish makes a Tree of a draft, which must not be used any more.
func (d *draft) finish(ctx context.Context) (*Tree, error) {
	d.table, d.owned = table{}, nil
	children, starts := d.children()
	t := &Tree{records: d.records, nodes: make([]leaf, 0, len(children)+1), first: map[uint32]uint32{}}
	was := make([]uint32, 0, len(children)+1) // where leaves are in the draft
	add := func(i, parent uint32) {
		n := *d.nodes.at(i)
		n.parent = parent
		t.nodes = append(t.nodes, leaf{node: n})
		was = append(was, i)
	}
	add(d.root, 0)
	var keys []key
	for i := range uint32(cap(t.nodes)) {
		if i%checkEvery == 0 {
			if err := context.Cause(ctx); err != nil {
				return nil, err
			}
		}
		t.nodes[i].children = uint32(len(t.nodes))
		own := children[starts[was[i]]:starts[was[i]+1]]
		keys = d.sort(own, keys)
		for _, child := range own {
			add(child, i)
		}
	}
	t.findFirst(0)
	return t, nil
}

// children returns all nodes that can be reached, but for the root, by parent: those of
// node i are from starts[i] to starts[i+1].
func (d *draft) children() (children, starts []uint32) {
	n := uint32(d.nodes.n)
	alive := d.alive()
	alive[d.root] = false // it is nobody's child
	starts = make([]uint32, n+2)
	for i := range n {
		if alive[i] {
			starts[d.nodes.at(i).parent+2]++
		}
	}
	for i := range n {
		starts[i+2] += starts[i+1]
	}
	children = make([]uint32, starts[n+1])
	for i := range n {
		if alive[i] {
			next := &starts[d.nodes.at(i).parent+1] // begins where the one before ends
			children[*next] = i
			*next++
		}
	}
	return children, starts
}

// findFirst notes the first node of each shared header among a node and all below it.
func (t *Tree) findFirst(i uint32) {
	if n := &t.nodes[i]; n.header != 0 && t.headers.at(n.header).shared {
		if _, ok := t.first[n.header]; !ok {
			t.first[n.header] = i
		}
	}
	for from, to := t.children(i); from < to; from++ {
		t.findFirst(from)
	}
}

// A key is the start of a name, as a number, which saves most comparisons of names.
type key struct {
	start uint64
	node  uint32
}

// sort sorts nodes by name. Keys are for using their memory again.
func (d *draft) sort(nodes []uint32, keys []key) []key {
	if len(nodes) < 2 {
		return keys
	}
	keys = keys[:0]
	for _, i := range nodes {
		var start [8]byte
		copy(start[:], d.base(d.nodes.at(i)))
		keys = append(keys, key{binary.BigEndian.Uint64(start[:]), i})
	}
	slices.SortFunc(keys, func(a, b key) int {
		if a.start != b.start {
			return cmp.Compare(a.start, b.start)
		}
		return cmp.Compare(d.base(d.nodes.at(a.node)), d.base(d.nodes.at(b.node)))
	})
	for i, k := range keys {
		nodes[i] = k.node
	}
	return keys
}
