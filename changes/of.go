package changes

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"slices"
	"syscall"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/imagefs"
)

// Of yields what the top one of layers, base first, has changed of what those below it
// show. Directories that are added or made anew come before what is in them; one that is
// modified comes before what is added or deleted in it, but may come after what is modified
// in it. Names in a directory are in the order of their bytes. No layers have no changes; of
// one layer everything is added.
//
// A pair is a change and nil, or an error, after which the iteration ends: those of
// [cstor.Layer.Lstat], also where a container deletes directories while they are read; that an
// overlay mark is not for us to see ([fs.ErrPermission]); or the cause of ctx. A container
// that runs may change what has been looked at.
func Of(ctx context.Context, layers []*cstor.Layer, opts Options) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		if len(layers) == 0 {
			return
		}
		top := len(layers) - 1
		below, err := imagefs.New(layers[:top], imagefs.Options{})
		if err != nil {
			yield(Change{}, err)
			return
		}
		c := comparison{ctx: ctx, layers: layers, below: below, yield: func(c Change) bool {
			return !opts.All && engine[c.Path] || yield(c, nil)
		}}
		whole, err := c.isWhole()
		if err == nil && whole {
			err = c.compare()
		} else if err == nil {
			err = c.walk()
		}
		if err != nil && !errors.Is(err, errStop) {
			yield(Change{}, err)
		}
	}
}

// errStop: nobody wants more.
var errStop = errors.New("stop")

type comparison struct {
	ctx    context.Context
	layers []*cstor.Layer
	below  *imagefs.FS
	yield  func(Change) bool
	told   []string // directories on the way to what is looked at that need not be told of
}

func (c *comparison) tell(kind Kind, name string) error {
	if !c.yield(Change{kind, "/" + name}) {
		return errStop
	}
	return nil
}

// nodes are those of the top layer, but for its root.
func (c *comparison) nodes() iter.Seq2[driver.Named, error] {
	return func(yield func(driver.Named, error) bool) {
		for n, err := range driver.Walk(c.layers[len(c.layers)-1]) {
			if err == nil {
				err = context.Cause(c.ctx)
			}
			if err == nil && n.Name == "." {
				continue
			}
			if !yield(n, err) || err != nil {
				return
			}
		}
	}
}

// isWhole reports whether whole trees have to be compared.
func (c *comparison) isWhole() (bool, error) {
	top := c.layers[len(c.layers)-1]
	if top.Driver() == "vfs" {
		return true, nil
	}
	if program, err := top.HidesByFile(); program || err != nil {
		return program, err
	}
	for n, err := range c.nodes() {
		if err != nil || n.Mode.IsDir() && n.Redirect != "" {
			return err == nil, err
		}
	}
	return false, nil
}

// walk goes by what the top layer has.
func (c *comparison) walk() error {
	for n, err := range c.nodes() {
		if err != nil {
			return err
		}
		if err := c.node(n); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) node(n driver.Named) error {
	kind, name := Deleted, n.Name
	if n.Hides != "" {
		name = join(path.Dir(n.Name), n.Hides)
	} else {
		old, err := c.was(name)
		if err != nil {
			return err
		}
		switch {
		case old == nil:
			kind = Added
		case n.Mode.IsDir() && n.Opaque == driver.OpaqueUnknown:
			return &fs.PathError{Op: "diff", Path: name, Err: errHidden}
		case n.Mode.IsDir() && n.Opaque == driver.OpaqueYes:
		case n.Mode.IsDir() && old.Mode.IsDir() && n.Size == old.Size && n.Mode == old.Mode && driver.SameTime(n.ModTime, old.ModTime):
			return nil
		default:
			kind = Modified
		}
	}
	c.leave(path.Dir(name))
	if n.Mode.IsDir() && n.Hides == "" {
		defer func() { c.told = append(c.told, name) }()
	}
	if kind != Modified {
		if err := c.parents(path.Dir(name)); err != nil {
			return err
		}
	}
	return c.tell(kind, name)
}

var errHidden = fmt.Errorf("whether the directory hides those of the layers below is not for us to see (trusted.overlay.opaque): root can: %w", fs.ErrPermission)

// leave forgets directories that dir is not in.
func (c *comparison) leave(dir string) {
	for len(c.told) > 0 {
		last := c.told[len(c.told)-1]
		if dir == last || len(dir) > len(last) && dir[:len(last)] == last && dir[len(last)] == '/' {
			return
		}
		c.told = c.told[:len(c.told)-1]
	}
}

// parents tells of directories that have changed because of what is in them.
func (c *comparison) parents(dir string) error {
	if dir == "." {
		return nil
	}
	if slices.Contains(c.told, dir) {
		return c.parents(path.Dir(dir))
	}
	if err := c.parents(path.Dir(dir)); err != nil {
		return err
	}
	c.told = append(c.told, dir)
	return c.tell(Modified, dir)
}

// was is what the layers below show under a name, nil if nothing; links are not followed.
func (c *comparison) was(name string) (*driver.Node, error) {
	if len(c.layers) == 1 {
		return nil, nil
	}
	found, err := c.below.Lookup(name, false)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ELOOP):
		return nil, nil
	case err != nil:
		return nil, err
	case found.Path != name: // a link was on the way, where the layer has a directory
		return nil, nil
	}
	return found.Node, nil
}

func join(dir, base string) string {
	if dir == "." {
		return base
	}
	return dir + "/" + base
}
