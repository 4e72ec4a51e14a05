package extract

import (
	"cmp"
	"context"
	"errors"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/merge"
)

// link is a further name of a file.
type link struct {
	path, target string // in the tree
	layer        int
}

// linkTarget is the name under which the file of a node is made; "" if it is this one.
// Of a part of the tree, the first name in it.
func (x *extraction) linkTarget(n *merge.Node) string {
	if n.Link == "" {
		return ""
	}
	if _, ok := rel(x.top, n.Link); ok {
		return n.Link
	}
	if first := x.firsts[n.Link]; first != n.Path {
		return first
	}
	return ""
}

// findFirsts notes the first names below a directory of files whose very first name is
// not there.
func (x *extraction) findFirsts(dir string) {
	for n := range x.tree.Below(dir) {
		if n.Entry.Type == '5' {
			x.findFirsts(n.Path)
		}
		if _, ok := rel(x.top, n.Link); ok || n.Link == "" {
			continue
		}
		if first, ok := x.firsts[n.Link]; !ok || inOrder(n.Path, first) {
			x.firsts[n.Link] = n.Path
		}
	}
}

// inOrder reports whether a comes before b in the order of [merge.Tree.All].
func inOrder(a, b string) bool {
	return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/")) < 0
}

// postpone keeps a link until its file is there.
func (x *extraction) postpone(f *folder, l link) {
	if parent(l.target) == f.node.Path {
		f.inside = append(f.inside, l)
		return
	}
	f.linked = true
	x.mu.Lock()
	defer x.mu.Unlock()
	x.links = append(x.links, l)
}

// makeLinks makes the links between directories, when all files are there.
func (w *worker) makeLinks() error {
	slices.SortFunc(w.links, func(a, b link) int {
		return cmp.Or(strings.Compare(parent(a.path), parent(b.path)), strings.Compare(a.target, b.target))
	})
	var from, to opened
	defer from.close()
	defer to.close()
	for _, l := range w.links {
		if err := context.Cause(w.ctx); err != nil {
			return err
		}
		err := w.reopen(&to, parent(l.path))
		if err == nil {
			err = w.reopen(&from, parent(l.target))
		}
		if err == nil {
			err = linkat(from.fd, to.fd, l)
		}
		if err := w.linked(l, err); err != nil {
			return err
		}
	}
	return nil
}

// linkat makes a link, by the directories of its target and of itself.
func linkat(from, to int, l link) error {
	return beneath.Retry(func() error { return unix.Linkat(from, path.Base(l.target), to, path.Base(l.path), 0) })
}

// linked says what comes of an attempt to make a link, which gave err.
func (w *worker) linked(l link, err error) error {
	if err == nil {
		w.report.Links++
		return nil
	}
	if n, _ := w.tree.Lookup(l.target); errors.Is(err, unix.ENOENT) && strings.IndexByte("346", n.Entry.Type) >= 0 {
		w.report.Lost.Devices.add(l.path, err) // as was its first name
		return nil
	}
	return w.entryError(l.path, l.layer, failed("link to "+l.target, err))
}

// opened is a directory that stays open for the next use.
type opened struct {
	path string
	fd   int
}

func (w *worker) reopen(o *opened, path string) (err error) {
	if o.path == path {
		return nil
	}
	o.close()
	if o.fd, err = w.to.OpenDir(w.place(path)); err == nil {
		o.path = path
	}
	return err
}

func (o *opened) close() {
	if o.path != "" {
		unix.Close(o.fd)
		o.path = ""
	}
}

// unknown is no mode.
const unknown = ^uint32(0)

// finishLate gives metadata to directories that had to wait, the deepest first.
func (w *worker) finishLate() error {
	slices.SortFunc(w.later, func(a, b string) int { return strings.Compare(b, a) }) // what is below a directory first
	if i := slices.Index(w.later, "."); i >= 0 {
		w.later = append(slices.Delete(w.later, i, i+1), ".")
	}
	for _, name := range w.later {
		if err := context.Cause(w.ctx); err != nil {
			return err
		}
		n, _ := w.tree.Lookup(name)
		fd, err := w.to.OpenDir(w.place(name))
		if err != nil {
			return w.entryError(name, n.Layer, failed("open", err))
		}
		err = w.finish(fd, &n, unknown)
		unix.Close(fd)
		if err != nil {
			return err
		}
	}
	return nil
}
