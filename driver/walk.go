package driver

import (
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/cstor-go/cstor/toc"
)

const (
	maxLinks = 40 // followed in one lookup, as many as the kernel's
	// maxSteps bounds the work of making an index, in components of names. Links
	// let a name of few bytes lead through 40 times 2048 directories; without
	// them, each step takes a byte or two of the table.
	maxSteps = 1 << 27
)

// A walk looks names up in the tree of a flat layer as the kernel would in an
// unpacked one, chrooted there.
type walk struct {
	root  *flatNode
	steps int // left
	// imply makes a directory that is not there; if nil, it is an error.
	imply func(dir *flatNode, base string) (*flatNode, error)
}

// find returns the node that a cleaned name stands for, and its last component.
func (w *walk) find(name string) (base string, n *flatNode, err error) {
	if name == "" {
		return "", w.root, nil
	}
	dir, base, err := w.dir(name)
	if err != nil {
		return "", nil, err
	}
	if n = dir.children[base]; n == nil {
		return "", nil, fs.ErrNotExist
	}
	return base, n, nil
}

// dir returns the directory of a cleaned name other than the root's, and the name's
// last component.
func (w *walk) dir(name string) (at *flatNode, base string, err error) {
	at = w.root
	links := 0
	var rests []string // behind links that the walk is in
	for {
		part, rest, more := strings.Cut(name, "/")
		if !more {
			if len(rests) == 0 {
				return at, part, nil
			}
			rest = rests[len(rests)-1]
			rests = rests[:len(rests)-1]
		}
		if w.steps--; w.steps < 0 {
			return nil, "", fmt.Errorf("too long ways through links: %w", toc.ErrLimit)
		}
		name = rest
		switch part { // as links may have it
		case "", ".":
			continue
		case "..":
			at = at.parent
			continue
		}
		next := at.children[part]
		switch {
		case next == nil && w.imply == nil:
			return nil, "", fs.ErrNotExist
		case next == nil:
			if next, err = w.imply(at, part); err != nil {
				return nil, "", err
			}
		case next.mode.Type() == fs.ModeSymlink:
			if links++; links > maxLinks {
				return nil, "", syscall.ELOOP
			}
			if next.link[0] == '/' {
				at = w.root
			}
			rests, name = append(rests, rest), next.link
			continue
		case !next.mode.IsDir():
			return nil, "", syscall.ENOTDIR
		}
		at = next
	}
}
