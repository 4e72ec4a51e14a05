package imagefs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/driver"
)

// opaqueName is the file by which mount programs and tables of contents mark a directory
// opaque (OCI image-spec layer.md, "Whiteouts").
const opaqueName = ".wh..wh..opq"

// disk is the tree of layers as their drivers show them, the top first.
type disk struct {
	layers []*cstor.Layer
	marks  []marks // of layers whose opaque directories cannot be seen
	known  known
}

func (t *disk) root() (*dir, error) {
	t.marks = make([]marks, len(t.layers))
	top := &dir{name: "."}
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
		top.layers = append(top.layers, i)
		if opaque, err := t.opaque(i, ".", n); err != nil || opaque {
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
	if err == nil && n.sub != nil && !t.changing() {
		t.known.put(n)
	}
	return n, err
}

// changing reports whether somebody may be writing: in a container's layer.
func (t *disk) changing() bool {
	top := t.layers[0]
	return top.DiffID() == "" && top.TOCDigest() == ""
}

// look looks a name up. The first layer that has it owns it. A directory goes on in the
// layers below, until one hides it or has something else.
func (t *disk) look(d *dir, base, name string) (*node, error) {
	var found *node
	for k, i := range d.layers {
		l := t.layers[i]
		n, err := l.Lstat(name)
		switch {
		case absent(err):
			if hidden, err := l.Hides(name); err != nil {
				return nil, err
			} else if hidden {
				return found.orAbsent()
			}
			continue
		case err != nil:
			return nil, err
		case n.Hides == base: // a device 0:0, or a file with the mark
			return found.orAbsent()
		case n.Hides != "" || base == opaqueName && t.marksOpaque(i, d): // one of the marks themselves
			continue
		case n.Redirect != "":
			return nil, fmt.Errorf("layer %s: content is elsewhere in the layers below, at %q (overlay redirect): %w", l, n.Redirect, cstor.ErrUnsupported)
		case !n.Mode.IsDir() && found != nil: // ends the directory
			return found, nil
		case !n.Mode.IsDir():
			return &node{Node: n, name: name, layer: l, at: i, file: name}, nil
		case found == nil:
			found = &node{Node: n, name: name, layer: l}
			found.sub = &dir{name: name, up: d, self: found}
		}
		found.sub.layers = append(found.sub.layers, i)
		if k == len(d.layers)-1 {
			break
		}
		opaque, err := t.opaque(i, name, n)
		if err == nil && !opaque {
			opaque, err = l.Hides(name)
		}
		if err != nil {
			return nil, err
		}
		if opaque {
			break
		}
	}
	return found.orAbsent()
}

func (n *node) orAbsent() (*node, error) {
	if n == nil {
		return nil, fs.ErrNotExist
	}
	return n, nil
}

// marksOpaque reports whether layer i has d as an opaque directory.
func (t *disk) marksOpaque(i int, d *dir) bool {
	n, err := t.layers[i].Lstat(d.name)
	return err == nil && n.Opaque == driver.OpaqueYes
}

// list implements tree.
func (t *disk) list(d *dir) ([]named, error) {
	var all []named
	done := map[string]bool{}
	for k, i := range d.layers {
		l := t.layers[i]
		entries, err := l.ReadDir(d.name)
		if err != nil {
			return nil, err
		}
		var hides []string
		look := newLooks(l, d.name, entries)
		for _, e := range entries {
			mode := e.Type
			if e.Unsure {
				n, err := look.next()
				if err != nil {
					return nil, err
				}
				if n.Hides != "" {
					hides = append(hides, n.Hides)
					continue
				}
				mode = n.Mode.Type()
			}
			if done[e.Name] || e.Name == opaqueName && t.marksOpaque(i, d) {
				continue
			}
			all = append(all, named{e.Name, mode})
			if k < len(d.layers)-1 {
				hides = append(hides, e.Name)
			}
		}
		for _, name := range hides {
			done[name] = true
		}
	}
	if len(d.layers) > 1 {
		slices.SortFunc(all, func(a, b named) int { return strings.Compare(a.name, b.name) })
	}
	return all, nil
}

// open implements tree. A file of which a container has changed the metadata only has
// its content in a layer below.
func (t *disk) open(n *node) (*os.File, error) {
	f, err := n.layer.OpenFile(n.file)
	for i := n.at + 1; errors.Is(err, driver.ErrMetacopy) && i < len(t.layers); i++ {
		if below, lstatErr := t.layers[i].Lstat(n.file); lstatErr == nil && below.Mode.IsRegular() {
			f, err = t.layers[i].OpenFile(n.file)
		}
	}
	return f, err
}
