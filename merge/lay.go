package merge

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// none is no index.
const none = ^uint32(0)

// A laying puts a layer over the draft of those below it. What it replaces or deletes
// there is gone for good: the layers above see it no more than it can be seen there.
type laying struct {
	*draft
	over    *layer
	lower   map[uint32]lower
	at      []uint32           // where the layer's nodes are in the draft, or none
	shared  map[uint32]uint32  // where its shared headers are
	ownedBy []uint32           // where its owners are, none if not yet
	marks   []mark             // left, in the order of directories
	moved   map[uint32][]moved // what comes with its renamed directories
}

// asBase makes a layer with nothing below it a draft.
func (l *layer) asBase() (*draft, error) {
	var err error
	if l.alone {
		err = l.keepLinks()
	} else {
		_, err = l.settleBelow(newDraft(), nil)
	}
	if err != nil {
		return nil, err
	}
	for i := range uint32(l.nodes.n) {
		if n := l.nodes.at(i); l.isHidden(n) {
			n.flags |= isDead
		}
	}
	l.steps = freeSteps
	return &l.draft, nil
}

// isHidden tells of directories that tars have for whiteouts' sake, such as
// ".wh..wh.plnk" with what AUFS had linked to from elsewhere. Links to that are good.
func (d *draft) isHidden(n *node) bool { return strings.HasPrefix(d.base(n), WhiteoutPrefix) }

// lay puts a layer over the draft.
func (d *draft) lay(ctx context.Context, over *layer, b *budget) error {
	lower, err := over.settleBelow(d, b) // before whiteouts delete any of it
	if err != nil {
		return err
	}
	moved, err := d.takeAlong(ctx, over, b) // likewise
	if err != nil {
		return err
	}
	y := laying{
		draft: d, over: over, lower: lower,
		at:      make([]uint32, over.nodes.n),
		shared:  map[uint32]uint32{},
		ownedBy: slices.Repeat([]uint32{none}, over.owners.n),
		marks:   over.marks,
		moved:   moved,
	}
	slices.SortStableFunc(y.marks, func(a, b mark) int { return cmp.Compare(a.dir, b.dir) })
	for i := range uint32(over.nodes.n) {
		if i%checkEvery == 0 {
			if err := context.Cause(ctx); err != nil {
				return err
			}
		}
		if y.at[i], err = y.put(i); err != nil {
			return err
		}
		if along, ok := moved[i]; ok && y.at[i] != none {
			y.at[i] = y.renew(y.at[i])
			if err := y.bring(y.at[i], along); err != nil {
				return &EntryError{Layer: over.index, Name: over.tarName(i), Err: err}
			}
		}
		y.apply(i)
	}
	return nil
}

// put puts a node of the layer into its place; its parent has been put before.
func (y *laying) put(i uint32) (at uint32, err error) {
	n := y.over.nodes.at(i)
	at = y.root
	if i != y.over.root {
		dir := y.at[n.parent]
		if dir == none || n.is(isDead) || y.over.isHidden(n) {
			return none, nil
		}
		if at, err = y.place(dir, y.over.base(n), n.flags&isDir); err != nil {
			return none, err
		}
	}
	switch {
	case n.is(isPending):
		to := y.lower[n.header]
		y.rename(at, to.name, shapeOdd)
		y.bind(at, to.header, to.own)
		return at, nil
	case n.header == 0: // what is below, if anything, says what the directory is like
		return at, nil
	}
	y.rename(at, *y.over.odd.at(n.odd), n.shape())
	h := y.over.headers.at(n.header)
	if !h.shared {
		y.describe(at, y.translate(*h), n.is(ownFile))
		return at, nil
	}
	first, ok := y.shared[n.header]
	if !ok {
		first = y.headers.add(y.translate(*h))
		y.shared[n.header] = first
	}
	y.bind(at, first, n.flags&ownFile)
	return at, nil
}

// translate makes a header of the layer one of the draft.
func (y *laying) translate(h header) header {
	from := &y.over.draft
	if y.ownedBy[h.owner] == none {
		y.ownedBy[h.owner] = y.own(*from.owners.at(h.owner))
	}
	h.owner = y.ownedBy[h.owner]
	if h.extra != 0 {
		h.extra = y.extras.add(*from.extras.at(h.extra))
	}
	switch {
	case h.text == 0:
	case hasTarget(h.kind):
		h.text = y.texts.addSized(from.linkname(&h))
	default:
		h.text = y.texts.add(from.texts.at(h.text, sumSize))
	}
	return h
}

// apply deletes what whiteouts in a directory of the layer hide. Of the layer itself
// nothing has been put there yet, so that all there is comes from below.
func (y *laying) apply(i uint32) {
	for len(y.marks) > 0 && y.marks[0].dir <= i {
		m := y.marks[0]
		y.marks = y.marks[1:]
		if m.dir != i || y.at[i] == none {
			continue
		}
		if m.opaque {
			y.at[i] = y.renew(y.at[i])
			continue
		}
		if victim := y.find(y.at[i], y.over.texts.at(m.victim, int(m.size))); victim != 0 {
			y.nodes.at(victim).flags |= isDead
		}
	}
}
