package cstor

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/cstor-go/cstor/driver"
)

// contentBelow opens the content of a file of a container's layer that has none of its
// own, since only its metadata were changed (overlay's metacopy): in the layers below,
// under the name that it has there, or had before directories were renamed.
func (l *Layer) contentBelow(name string) (*os.File, error) {
	at, err := l.findContent(name)
	if err != nil {
		return nil, l.fail(&fs.PathError{Op: "open", Path: name, Err: fmt.Errorf("%w: %w", driver.ErrMetacopy, err)})
	}
	chain, err := l.Chain()
	if err != nil {
		return nil, err
	}
	return chain[len(chain)-1-at.Layer].OpenFile(at.Name)
}

var (
	errNoContent  = fmt.Errorf("%w: no layer below has the content", ErrDamaged)
	errHiddenMark = fmt.Errorf("whether the file has content of its own is not for us to see (trusted.overlay.metacopy): root can: %w", fs.ErrPermission)
)

// findContent finds which layer, counted from this one, has the content of a stub.
func (l *Layer) findContent(name string) (driver.Part, error) {
	chain, err := l.Chain()
	if err != nil {
		return driver.Part{}, err
	}
	slices.Reverse(chain)
	s := stack(chain)
	root, err := s.root()
	if err != nil {
		return driver.Part{}, err
	}
	dir, base := path.Split(path.Clean("/" + name))
	parts := root
	for part := range strings.SplitSeq(strings.Trim(dir, "/"), "/") {
		if part == "" {
			continue
		}
		var below []driver.Part
		for p, err := range driver.Descend(s, root, parts, part) {
			if err != nil {
				return driver.Part{}, err
			}
			if p.Mode.IsDir() {
				below = append(below, p.Part)
			}
		}
		parts = below
	}
	for p, err := range driver.Descend(s, root, parts, base) {
		switch {
		case err != nil:
			return driver.Part{}, err
		case p.Layer == 0 && !p.Metacopy && p.Mode.IsRegular():
			return driver.Part{}, errHiddenMark
		case p.Layer > 0 && !p.Metacopy && p.Mode.IsRegular():
			return p.Part, nil
		}
	}
	return driver.Part{}, errNoContent
}

// stack are layers as package driver looks at them, the top first.
type stack []*Layer

// root are the parts of the root.
func (s stack) root() ([]driver.Part, error) {
	var all []driver.Part
	for i := range s {
		all = append(all, driver.Part{Layer: i, Name: "."})
		n, err := s.Lstat(i, ".")
		if err != nil {
			return nil, err
		}
		if opaque, err := s.Opaque(i, ".", n); err != nil || opaque {
			return all, err
		}
	}
	return all, nil
}

// Lstat implements [driver.Stack].
func (s stack) Lstat(layer int, name string) (*driver.Node, error) { return s[layer].Lstat(name) }

// Hides implements [driver.Stack].
func (s stack) Hides(layer int, name string) (bool, error) { return s[layer].Hides(name) }

// Opaque implements [driver.Stack]. Where the marks cannot be seen, nor can those of stubs.
func (s stack) Opaque(_ int, _ string, n *driver.Node) (bool, error) {
	if n.Opaque == driver.OpaqueUnknown {
		return false, errHiddenMark
	}
	return n.Opaque == driver.OpaqueYes, nil
}
