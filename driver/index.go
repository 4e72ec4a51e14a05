package driver

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"reflect"
	"strings"
	"syscall"

	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/toc"
)

// An index makes the tree of a flat layer from its table of contents, as unpacking
// would: each name is looked up among the entries before it.
type index struct {
	walk
	objects  *beneath.Dir
	nodes    int // named or implied
	implicit int // implied
	pending  []pendingLink
}

// maxImplied is how many directories may have no entry when they are first needed.
// One name of 4 KiB can imply 2047, of 400 bytes each.
const maxImplied = 1 << 18

// A pendingLink is a hard link that came before what it links to.
type pendingLink struct {
	dir  *flatNode
	base string
}

func newIndex(objects *beneath.Dir) *index {
	x := &index{objects: objects}
	x.root = newFlatDir(nil)
	x.root.parent = x.root
	x.steps, x.imply = maxSteps, x.implied
	return x
}

func (x *index) read(entries iter.Seq2[*toc.Entry, error]) error {
	for e, err := range entries {
		if err != nil {
			return err
		}
		if e.Type == toc.TypeChunk {
			continue
		}
		if err := x.add(e); err != nil {
			return fmt.Errorf("table of contents: entry %.100q: %w", e.Name, err)
		}
	}
	x.imply = nil
	for _, l := range x.pending {
		if err := x.settle(l); err != nil {
			return fmt.Errorf("table of contents: hard link %.100q: %w", l.base, err)
		}
	}
	return nil
}

// add puts an entry into its directory.
func (x *index) add(e *toc.Entry) error {
	name, err := clean(e.Name)
	if err != nil {
		return err
	}
	n, err := newFlatNode(e)
	if toc.IsLandmark(e) && (err != nil || !x.hasObject(n)) {
		return nil //nolint:nilerr // not on disk, and nobody misses it
	}
	if err != nil {
		return err
	}
	if name == "" {
		if !n.mode.IsDir() {
			return errNotOne
		}
		x.root.describe(n)
		return nil
	}
	dir, base, err := x.dir(name)
	if err != nil {
		return err
	}
	if base == opaqueFile {
		dir.opaque = true
	}
	if n.hard {
		switch _, target, err := x.known(n.link); {
		case err == nil && target.mode.IsDir():
			return errDirLink
		case err == nil && !target.hard:
			n = target
		case err == nil || errors.Is(err, fs.ErrNotExist):
			x.pending = append(x.pending, pendingLink{dir, base})
		default:
			return err
		}
	}
	return x.put(dir, base, n)
}

// put makes n the child base of dir.
func (x *index) put(dir *flatNode, base string, n *flatNode) error {
	have := dir.children[base]
	switch {
	case have == n: // a hard link to itself
		return nil
	case have != nil && have.mode.IsDir() && n.mode.IsDir():
		have.describe(n)
		return nil
	case have != nil && !reflect.DeepEqual(have, n):
		return errNotOne
	case have == nil:
		if x.nodes++; x.nodes > maxNodes {
			return fmt.Errorf("more than %d names: %w", maxNodes, toc.ErrLimit)
		}
		base = strings.Clone(base) // else it would keep the whole name
	}
	if n.mode.IsDir() {
		n.parent = dir
	}
	dir.children[base] = n
	return nil
}

// implied makes a directory that no entry names, or not yet.
func (x *index) implied(dir *flatNode, base string) (*flatNode, error) {
	if x.implicit++; x.implicit > maxImplied {
		return nil, fmt.Errorf("more than %d directories without entries: %w", maxImplied, toc.ErrLimit)
	}
	n := newFlatDir(nil)
	return n, x.put(dir, base, n)
}

// known finds a node without implying directories.
func (x *index) known(name string) (string, *flatNode, error) {
	w := x.walk
	w.imply = nil
	base, n, err := w.find(name)
	x.steps = w.steps
	return base, n, err
}

// settle puts what a hard link leads to in its place.
func (x *index) settle(l pendingLink) error {
	n := l.dir.children[l.base]
	for links := 0; n.hard; links++ {
		if links > maxLinks {
			return syscall.ELOOP
		}
		var err error
		switch _, n, err = x.known(n.link); {
		case errors.Is(err, fs.ErrNotExist):
			return errors.New("its target is in no entry") // damage, not absence
		case err != nil:
			return err
		case n.mode.IsDir():
			return errDirLink
		}
	}
	l.dir.children[l.base] = n
	return nil
}

var (
	errNotOne  = errors.New("differs from another entry of this name")
	errDirLink = errors.New("hard link to a directory")
)

func (x *index) hasObject(n *flatNode) bool {
	_, err := x.objects.Lstat(n.object())
	return !errors.Is(err, fs.ErrNotExist)
}
