package imagefs

import (
	"context"
	"io/fs"
	"maps"
	"os"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/merge"
)

// headers is the tree of one layer by what its tar says. It is read when it is first
// needed.
type headers struct {
	layer *cstor.Layer
	tree  once[*merge.Tree]
}

func (t *headers) merged() (*merge.Tree, error) {
	return t.tree.get(func() (*merge.Tree, error) {
		return Merge(context.Background(), []*cstor.Layer{t.layer}, MergeOptions{Options: merge.Options{Alone: true}})
	})
}

func (t *headers) root() (*dir, error) {
	tree, err := t.merged()
	if err != nil {
		return nil, err
	}
	n, _ := tree.Lookup(".")
	top, err := t.node(n, nil)
	if err != nil {
		return nil, err
	}
	top.sub.up = top.sub
	return top.sub, nil
}

// node translates a node that is in directory up. Of a further name of what only a
// layer below has, the tar says nothing but that, and the full copy everything.
func (t *headers) node(m merge.Node, up *dir) (*node, error) {
	e := m.Entry
	if e.Type == '1' {
		d, err := t.layer.Lstat(m.Path)
		if err != nil {
			return nil, err
		}
		return &node{Node: d, name: m.Path, layer: t.layer, file: m.Path}, nil
	}
	d := &driver.Node{
		Mode: fs.FileMode(e.Mode & 0o777), UID: int(e.UID), GID: int(e.GID), Size: e.Size, ModTime: e.ModTime,
		DevMajor: uint32(e.Devmajor), DevMinor: uint32(e.Devminor), Link: e.Linkname, Xattrs: maps.Clone(e.Xattrs),
	}
	for bit, mode := range map[int64]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if e.Mode&bit != 0 {
			d.Mode |= mode
		}
	}
	if e.Sparse != nil {
		d.Size = e.Sparse.Size
	}
	d.Mode |= map[byte]fs.FileMode{
		'2': fs.ModeSymlink, '3': fs.ModeDevice | fs.ModeCharDevice, '4': fs.ModeDevice, '5': fs.ModeDir, '6': fs.ModeNamedPipe,
	}[e.Type]
	n := &node{Node: d, name: m.Path, layer: t.layer, file: m.Path}
	if e.File != "" {
		n.file = e.File
	}
	switch {
	case d.Mode.IsDir():
		n.sub = &dir{name: m.Path, up: up, self: n}
	case d.Mode.Type() == fs.ModeSymlink:
		d.Size = int64(len(d.Link))
	}
	return n, nil
}

// child implements tree.
func (t *headers) child(d *dir, base string) (*node, error) {
	tree, err := t.merged()
	if err != nil {
		return nil, err
	}
	n, ok := tree.Lookup(join(d.name, base))
	if !ok {
		return nil, fs.ErrNotExist
	}
	return t.node(n, d)
}

// list implements tree.
func (t *headers) list(d *dir) ([]named, error) {
	tree, err := t.merged()
	if err != nil {
		return nil, err
	}
	var all []named
	for m := range tree.Below(d.name) {
		n, err := t.node(m, d)
		if err != nil {
			return nil, err
		}
		all = append(all, named{n.base(), n.Mode.Type()})
	}
	return all, nil
}

// open implements tree.
func (t *headers) open(n *node) (*os.File, error) {
	if !n.Mode.IsRegular() {
		return nil, driver.ErrNotRegular
	}
	return t.layer.OpenFile(n.file)
}
