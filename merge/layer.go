package merge

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"syscall"

	"github.com/cstor-go/cstor/tarsplit"
)

// A layer is unpacked alone, as if on an empty disk.
type layer struct {
	draft
	index int
	marks []mark
	moves []move
	links hardLinks
	alone bool // hard links to what is not there may stay

	last struct { // directory that was walked to
		name     string
		node     uint32
		mode     mode
		odd      bool // by way of links, so that entries' names are not the nodes' paths
		replaced int  // when it was
	}
}

// A mark is a whiteout in the directory dir of a layer.
type mark struct {
	dir    uint32
	victim uint32 // in texts; if opaque, none
	size   uint8  // of victim
	opaque bool
}

// checkEvery is after how many entries the context and the budget are looked at.
const checkEvery = 1 << 10

// readLayer unpacks a layer's entries.
func readLayer(ctx context.Context, index int, entries iter.Seq2[*tarsplit.Entry, error], b *budget, alone bool) (*layer, error) {
	l := &layer{draft: *newDraft(), index: index, alone: alone}
	l.last.node = none
	account := account{budget: b}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	for e, err := range entries {
		if err != nil {
			return nil, err
		}
		account.entries++
		l.steps += stepsPerEntry
		if err := l.add(e); err != nil {
			return nil, &EntryError{Layer: index, Name: strings.Clone(e.Name), Err: err}
		}
		if account.due(&l.draft) {
			if err := context.Cause(ctx); err != nil {
				return nil, err
			}
			if err := account.settle(&l.draft); err != nil {
				return nil, err
			}
		}
	}
	if err := account.settle(&l.draft); err != nil {
		return nil, err
	}
	l.packed = nil
	l.dropGhosts()
	return l, l.settleLinks()
}

// add puts an entry into its place.
func (l *layer) add(e *tarsplit.Entry) error {
	name, shape := clean(e.Name)
	if len(name) > maxPath {
		return syscall.ENAMETOOLONG
	}
	dir, base := splitBase(name)
	if victim, opaque, ok := whiteout(base); ok {
		return l.mark(name, dir, victim, opaque)
	}
	kind, err := kindOf(e.Type)
	if err != nil {
		return err
	}
	i := l.root
	var f flags
	if kind == tar.TypeDir {
		f = isDir
	}
	switch {
	case name == "" && f == 0:
		return fmt.Errorf("the root: %w", syscall.EISDIR)
	case name != "":
		at, base, err := l.dir(name, dir, imply)
		if err != nil {
			return err
		}
		if kind == tar.TypeLink {
			return l.link(at, base, e, shape)
		}
		if i, err = l.place(at, base, f); err != nil {
			return err
		}
	}
	h, own, err := l.pack(e, kind, uint16(l.index))
	if err != nil {
		return err
	}
	l.describe(i, h, own)
	l.name(i, e.Name, shape)
	if e.Redirect != "" && f == isDir {
		return l.move(i, e.Name, e.Redirect)
	}
	return nil
}

// name keeps the tar's name of a node that the last walk led to.
func (l *layer) name(i uint32, name string, s shape) {
	if l.last.odd || i == l.root {
		s = shapeOdd
	}
	if s == shapeOdd {
		name = l.clone(name)
	}
	l.rename(i, name, s)
}

// dir walks to the directory of a cleaned name, which is dir as it stands there.
func (l *layer) dir(name, dir string, m mode) (at uint32, base string, err error) {
	if last := &l.last; last.name == dir && last.node != none && last.replaced == l.replaced && (last.mode == m || last.mode == imply) {
		_, base = splitBase(name)
		return last.node, base, nil
	}
	l.last.node = none
	at, base, err = l.walk(name, m)
	if err != nil {
		return 0, "", err
	}
	l.last.name, l.last.node, l.last.mode = dir, at, m
	l.last.odd, l.last.replaced = l.draft.links > 0, l.replaced
	return at, base, nil
}

// mark notes a whiteout. One in what this layer has as a file hides nothing that the
// file does not hide (container-libs storage/pkg/archive/archive_linux.go:
// overlayWhiteoutConverter.ConvertReadWithHandler passes over them too).
func (l *layer) mark(name, dir, victim string, opaque bool) error {
	at, _, err := l.dir(name, dir, ghost)
	switch {
	case err == nil && victim == "" && !opaque, len(victim) > maxBase:
		return nil
	case err == nil:
		m := mark{dir: at, opaque: opaque, size: uint8(len(victim))}
		if !opaque {
			m.victim = l.keep(victim)
		}
		l.marks = append(l.marks, m)
	case !errors.Is(err, syscall.ENOTDIR):
		return err
	}
	return nil
}

// dropGhosts takes away directories that are whited out and that nothing but whiteouts
// is in: some tools write ".wh.d" and "d/.wh.f", and mean that d is gone (a comment in
// ConvertReadWithHandler tells of them).
func (l *layer) dropGhosts() {
	for _, m := range l.marks {
		if m.opaque {
			continue
		}
		if i := l.find(m.dir, l.texts.at(m.victim, int(m.size))); i != 0 && l.nodes.at(i).is(isGhost) {
			l.nodes.at(i).flags |= isDead
		}
	}
}
