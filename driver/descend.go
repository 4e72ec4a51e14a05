package driver

import (
	"iter"
	"strings"
	"syscall"
)

// Stack are layers that lie upon each other, by index, the top one 0, as far as
// [Descend] asks about them.
type Stack interface {
	// Lstat looks at a node of one layer, as [Files] do.
	Lstat(layer int, name string) (*Node, error)
	// Hides reports whether a layer deletes name by a file beside it: see [HiddenByFile].
	Hides(layer int, name string) (bool, error)
	// Opaque reports whether the directory name of a layer, which is n, hides those of
	// that name below. It is asked also where n does not say.
	Opaque(layer int, name string, n *Node) (bool, error)
}

// Part is what one layer has of a directory that several layers have together.
type Part struct {
	Layer int    // the top is 0
	Name  string // in that layer: another than above it if the layer was redirected there
}

// Piece is what one layer has of what a name stands for.
type Piece struct {
	Part
	*Node
}

// Descend yields what layers show under the name base in a directory, given its parts and
// those of the root, the top first: one piece, or several parts of one directory, or a
// file without content of its own ([Node.Metacopy]) and, if it is there, what has the
// content. It goes as the kernel's overlay does: whiteouts, opaque directories, and
// whatever is no directory end it, redirects lead it elsewhere in the layers further down
// (linux fs/overlayfs/namei.c:ovl_lookup_layer, ovl_lookup_single). Never up, so it
// ends; and links are not followed. If nothing is there, nothing is yielded.
//
// A pair is a piece and nil, or an error, after which the iteration ends.
func Descend(s Stack, root, dir []Part, base string) iter.Seq2[Piece, error] {
	return func(yield func(Piece, error) bool) {
		d := descent{Stack: s, root: root, rest: dir, name: base}
		for len(d.rest) > 0 && !d.stop {
			p, err := d.next()
			if err != nil {
				yield(Piece{}, err)
				return
			}
			if p.Node != nil && !yield(p, nil) {
				return
			}
		}
	}
}

// descent is one lookup on its way down.
type descent struct {
	Stack
	root []Part
	rest []Part // still to be asked
	name string // what is looked for in these; of several components only below the root
	stop bool
	dir  bool // a directory has been found
	stub bool // a file without content has
}

// next asks the next layer.
func (d *descent) next() (p Piece, err error) {
	at := d.rest[0]
	d.rest = d.rest[1:]
	for left := d.name; ; {
		part, rest, more := strings.Cut(left, "/")
		n, err := d.look(at, part)
		if n == nil || err != nil {
			return Piece{}, err
		}
		at.Name = joined(at.Name, part)
		switch {
		case n.Mode.IsDir() && !d.stub || n.Mode.IsDir() && more:
			err = d.goOn(at, n, left, part)
		case more, d.dir, d.stub && !n.Mode.IsRegular():
			d.stop = true
			return Piece{}, nil
		default:
			if d.stop = !n.Metacopy; n.Metacopy {
				err = d.follow(at.Layer, n, left, part)
			}
		}
		if err != nil {
			return Piece{}, err
		}
		if !more {
			d.dir, d.stub = n.Mode.IsDir(), n.Metacopy
			return Piece{at, n}, nil
		}
		left = rest
	}
}

// look looks at a name in a directory of one layer, nil if it has none there. What
// deletes it ends the lookup.
func (d *descent) look(dir Part, base string) (*Node, error) {
	name := joined(dir.Name, base)
	n, err := d.Lstat(dir.Layer, name)
	switch {
	case absent(err):
		d.stop, err = d.Hides(dir.Layer, name)
		return nil, err
	case err != nil:
		return nil, err
	case n.Hides == base: // a device 0:0, or a file with the mark
		d.stop = true
		return nil, nil
	case n.Hides != "": // a mark itself
		return nil, nil
	case base == opaqueFile:
		if up, err := d.Lstat(dir.Layer, dir.Name); err == nil && up.Opaque == OpaqueYes {
			return nil, nil
		}
	}
	return n, nil
}

// goOn decides, for a directory, whether and where it goes on in the layers below. Left
// is what is left of the name, and begins with part.
func (d *descent) goOn(at Part, n *Node, left, part string) error {
	if len(d.rest) == 0 && !strings.HasPrefix(n.Redirect, "/") {
		return nil
	}
	opaque, err := d.Opaque(at.Layer, at.Name, n)
	if err == nil && !opaque {
		opaque, err = d.Hides(at.Layer, at.Name)
	}
	if err != nil {
		return err
	}
	if opaque {
		d.stop = true
		return nil
	}
	return d.follow(at.Layer, n, left, part)
}

// follow goes where a redirect leads. An absolute one counts even below a directory that
// is opaque.
func (d *descent) follow(layer int, n *Node, left, part string) error {
	to := n.Redirect
	if to == "" {
		return nil
	}
	before, after := d.name[:len(d.name)-len(left)], left[len(part):]
	if absolute, ok := strings.CutPrefix(to, "/"); ok {
		before, to = "", absolute
		d.stop = false
		d.rest = d.root
		for len(d.rest) > 0 && d.rest[0].Layer <= layer {
			d.rest = d.rest[1:]
		}
	}
	if d.name = before + to + after; len(d.name) >= pathMax {
		return fail("redirect", n.Redirect, syscall.ENAMETOOLONG)
	}
	return nil
}

// joined appends a component to the name of a directory.
func joined(dir, base string) string {
	if dir == "." || dir == "" {
		return base
	}
	return dir + "/" + base
}
