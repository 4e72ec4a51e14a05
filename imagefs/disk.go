package imagefs

import (
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/merge"
)

// disk is the tree of layers as their drivers show them, the top first.
type disk struct {
	layers []*cstor.Layer
	marks  []once[map[string]bool] // of layers, if their opaque directories cannot be seen
	top    *dir
	known  known
}

func (t *disk) root() (*dir, error) {
	t.marks = make([]once[map[string]bool], len(t.layers))
	top := &dir{name: "."}
	t.top = top
	top.up = top
	top.self = &node{Node: &driver.Node{Mode: fs.ModeDir | 0o555}, name: ".", sub: top}
	for i, l := range t.layers {
		n, err := l.Lstat(".")
		if err != nil {
			return nil, err
		}
		if i == 0 {
			top.self.Node, top.self.layer = n, l
		}
		top.parts = append(top.parts, driver.Part{Layer: i, Name: "."})
		if opaque, err := t.Opaque(i, ".", n); err != nil || opaque {
			return top, err
		}
	}
	return top, nil
}

// child implements tree.
func (t *disk) child(d *dir, base string) (*node, error) {
	name := join(d.name, base)
	if n := t.known.get(name); n != nil {
		return n, nil
	}
	n, err := t.look(d, base, name)
	if err == nil && n.sub != nil && !t.layers[0].Changing() {
		t.known.put(n)
	}
	return n, err
}

// look looks a name up. The first layer that has it owns it. A directory goes on in the
// layers below, until one hides it or has something else.
func (t *disk) look(d *dir, base, name string) (*node, error) {
	var found *node
	for p, err := range driver.Descend(t, t.top.parts, d.parts, base) {
		switch {
		case err != nil:
			return nil, err
		case found == nil:
			found = &node{Node: p.Node, name: name, layer: t.layers[p.Layer]}
			if !p.Mode.IsDir() {
				found.file = p.Name
				return found, nil
			}
			found.sub = &dir{name: name, up: d, self: found}
		}
		found.sub.parts = append(found.sub.parts, p.Part)
	}
	return found.orAbsent()
}

// Lstat implements [driver.Stack].
func (t *disk) Lstat(layer int, name string) (*driver.Node, error) {
	return t.layers[layer].Lstat(name)
}

// Hides implements [driver.Stack].
func (t *disk) Hides(layer int, name string) (bool, error) { return t.layers[layer].Hides(name) }

func (n *node) orAbsent() (*node, error) {
	if n == nil {
		return nil, fs.ErrNotExist
	}
	return n, nil
}

// marksOpaque reports whether a layer has its part of a directory as an opaque one.
func (t *disk) marksOpaque(p driver.Part) bool {
	n, err := t.Lstat(p.Layer, p.Name)
	return err == nil && n.Opaque == driver.OpaqueYes
}

// list implements tree.
func (t *disk) list(d *dir) ([]named, error) {
	var all []named
	done := map[string]bool{}
	for k, part := range d.parts {
		l := t.layers[part.Layer]
		entries, err := l.ReadDir(part.Name)
		if absent(err) && l.Changing() { // removed since it was looked up
			continue
		}
		if err != nil {
			return nil, err
		}
		var hides []string
		look := newLooks(l, part.Name, entries)
		for _, e := range entries {
			mode := e.Type
			if e.Unsure {
				n, err := look.next()
				if err != nil {
					return nil, err
				}
				if n == nil {
					continue
				}
				if n.Hides != "" {
					hides = append(hides, n.Hides)
					continue
				}
				mode = n.Mode.Type()
			}
			if done[e.Name] || e.Name == merge.OpaqueName && t.marksOpaque(part) {
				continue
			}
			all = append(all, named{e.Name, mode})
			if k < len(d.parts)-1 {
				hides = append(hides, e.Name)
			}
		}
		for _, name := range hides {
			done[name] = true
		}
	}
	if len(d.parts) > 1 {
		slices.SortFunc(all, func(a, b named) int { return strings.Compare(a.name, b.name) })
	}
	return all, nil
}

// open implements tree. The layer looks below itself for the content of a file of which a
// container has changed the metadata only.
func (t *disk) open(n *node) (*os.File, error) { return n.layer.OpenFile(n.file) }
