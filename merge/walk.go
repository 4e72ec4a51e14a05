package merge

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
)

const (
	maxLinks = 40 // followed in one walk, as many as the kernel's

	// Links let a name of few bytes lead through 40 times 2048 directories. Behind
	// links, a layer may take this many steps, and some for each of its entries. Other
	// steps need none of this: they take a byte or two of a name each.
	freeSteps     = 1 << 20
	stepsPerEntry = 64
)

// errMissing: a name is not in the tree.
var errMissing = errors.New("not there")

// mode says what a walk does about directories that are missing.
type mode uint8

const (
	look  mode = iota // they are errMissing
	imply             // they are made
	ghost             // they are made, for as long as only whiteouts need them
)

// walk returns the directory of a cleaned name other than the root's, and the name's
// last component, as the kernel would find them in the unpacked tree, chrooted there.
func (d *draft) walk(name string, m mode) (at uint32, base string, err error) {
	at, d.links = d.root, 0
	depth := 0 // of the present link; what is behind each one is in rests
	for {
		part, rest, more := strings.Cut(name, "/")
		if !more {
			if depth == 0 {
				return at, part, nil
			}
			depth--
			rest = d.rests[depth]
		}
		name = rest
		if d.links > 0 {
			if d.steps--; d.steps < 0 {
				return 0, "", fmt.Errorf("too long ways through links: %w", ErrLimit)
			}
		}
		switch part { // as links may have it
		case "", ".":
			continue
		case "..":
			at = d.nodes.at(at).parent
			continue
		}
		next, err := d.step(at, part, m)
		if err != nil {
			return 0, "", err
		}
		switch n := d.nodes.at(next); {
		case n.is(isDir):
			at = next
		case d.isSymlink(n):
			if d.links++; d.links > maxLinks {
				return 0, "", syscall.ELOOP
			}
			d.rests[depth] = name
			depth++
			if name = d.linkname(d.headers.at(n.header)); strings.HasPrefix(name, "/") {
				at = d.root
			}
		default:
			return 0, "", fmt.Errorf("%.40q: %w", part, syscall.ENOTDIR)
		}
	}
}

// step returns the child of a directory that a walk comes through.
func (d *draft) step(dir uint32, base string, m mode) (next uint32, err error) {
	next = d.find(dir, base)
	switch {
	case next != 0 && m == imply:
		d.nodes.at(next).flags &^= isGhost
		return next, nil
	case next != 0:
		return next, nil
	case m == look:
		return 0, errMissing
	}
	d.implied++
	f := isDir
	if m == ghost {
		f |= isGhost
	}
	return d.place(dir, base, f)
}

// lookup returns the node of a cleaned name; links are followed up to the last
// component.
func (d *draft) lookup(name string) (uint32, error) {
	if len(name) > maxPath {
		return 0, syscall.ENAMETOOLONG
	}
	if name == "" {
		return d.root, nil
	}
	dir, base, err := d.walk(name, look)
	if err != nil {
		return 0, err
	}
	if i := d.find(dir, base); i != 0 {
		return i, nil
	}
	return 0, errMissing
}
