package extract

import (
	"context"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/imagefs"
	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/merge"
	"github.com/cstor-go/cstor/tarsplit"
)

// mark is what a layer deletes from those below it.
type mark struct {
	base   string // of the entry
	victim string // "" if it marks its directory opaque
	entry  tarsplit.Entry
}

// marks are those in one directory.
type marks struct {
	list []mark
	at   map[string]int // of a victim, in list
}

// add adds a mark, in the place of one with the same victim.
func (m *marks) add(n mark) {
	if i, again := m.at[n.victim]; again {
		m.list[i] = n
		return
	}
	m.at[n.victim] = len(m.list)
	m.list = append(m.list, n)
}

// of reports whether there is a mark of a victim; "" is the directory itself.
func (m *marks) of(victim string) bool {
	if m == nil {
		return false
	}
	_, ok := m.at[victim]
	return ok
}

// alone is the tree of one layer, with its marks by directory.
func alone(ctx context.Context, l *cstor.Layer) (*merge.Tree, map[string]*marks, error) {
	var found []*tarsplit.Entry
	tree, err := imagefs.Merge(ctx, []*cstor.Layer{l}, imagefs.MergeOptions{
		Options: merge.Options{Alone: true},
		Seen: func(_ int, e *tarsplit.Entry) {
			if _, victim, opaque, ok := merge.Whiteout(e.Name); ok && (opaque || victim != "") {
				found = append(found, e)
			}
		},
	})
	if err != nil {
		return nil, nil, err
	}
	all := map[string]*marks{}
	for _, e := range found {
		if err := context.Cause(ctx); err != nil {
			return nil, nil, err
		}
		dir, victim, _, _ := merge.Whiteout(e.Name)
		at, err := tree.Follow(dir, true) // links of the layer may be on the way
		if err != nil || at.Entry.Type != '5' {
			continue // what hides the directory hides all below it
		}
		m := mark{base: merge.WhiteoutPrefix + victim, victim: victim, entry: *e}
		if victim == "" {
			m.base = merge.OpaqueName
		}
		m.entry.Type, m.entry.Xattrs = '0', nil
		if all[at.Path] == nil {
			all[at.Path] = &marks{at: map[string]int{}}
		}
		all[at.Path].add(m)
	}
	return tree, all, nil
}

// whiteouts makes the marks of a folder, but for that of the folder itself.
func (w *worker) whiteouts(f *folder) error {
	all := w.marks[f.node.Path]
	if all == nil {
		return nil
	}
	for i := range all.list {
		if err := context.Cause(w.ctx); err != nil {
			return err
		}
		m := &all.list[i]
		name := join(f.node.Path, m.base)
		if err := w.whiteout(f, m, name); err != nil {
			return w.entryError(name, 0, err)
		}
	}
	return nil
}

func (w *worker) whiteout(f *folder, m *mark, name string) error {
	n := &node{path: name, dir: f.fd, base: m.base, fd: -1, kind: '0'}
	if w.opts.Whiteouts == WhiteoutsFiles {
		m.entry.Size, m.entry.Sparse = 0, nil
		return w.file(n, &merge.Node{Path: name, Entry: &m.entry})
	}
	if m.victim == "" {
		return nil // an attribute of the directory: see opaque
	}
	if _, there := w.tree.Lookup(join(f.node.Path, m.victim)); there {
		return nil // hides what is below it; if it is a directory, it is opaque
	}
	n.base = m.victim
	err := beneath.Retry(func() error { return unix.Mknodat(n.dir, n.base, unix.S_IFCHR, 0) })
	if err != nil {
		if !w.mayLose(err) {
			return failed("create device", err)
		}
		w.report.Lost.Devices.add(name, err)
		return nil
	}
	w.report.Others++
	return nil
}

// opaque marks a directory if the layer hides what those below it have there.
func (w *worker) opaque(fd int, n *merge.Node) error {
	if w.opts.Whiteouts != WhiteoutsOverlay || !w.isOpaque(n.Path) {
		return nil
	}
	err := unix.Fsetxattr(fd, "trusted.overlay.opaque", []byte("y"), 0)
	if err != nil && w.mayLose(err) {
		w.report.Lost.Xattrs.add(n.Path, err)
		return nil
	}
	return failed("mark as opaque", err)
}

func (x *extraction) isOpaque(name string) bool {
	return x.marks[name].of("") || name != "." && x.marks[parent(name)].of(path.Base(name))
}

// isMark reports whether a path is that of a mark that was made.
func (x *extraction) isMark(name string) bool {
	base, all := path.Base(name), x.marks[parent(name)]
	if base == merge.OpaqueName {
		return all.of("")
	}
	victim, _ := strings.CutPrefix(base, merge.WhiteoutPrefix)
	return victim != "" && (all.of(base) || all.of(victim))
}
