package merge

import (
	"archive/tar"
	"cmp"
	"errors"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/cstor-go/cstor/tarsplit"
)

// The model says what a stack shows by looking from the top down, path by path: one is
// seen if no layer above hides it. It is slow, and has nothing in common with the package
// but the rules.

// A modelFile is what a header tells of; names of one file have the same pointer.
type modelFile struct {
	layer int
	entry *tarsplit.Entry
}

type modelName struct {
	dir     bool
	solid   bool       // a directory that more than whiteouts need
	file    *modelFile // nil: a directory that no header names, or not known yet
	pending *modelLink
	name    string // in the tar
	content string // the name of its content there
}

type modelLink struct {
	name, target string
	next         *modelLink
	file         *modelFile
	from         *modelName // what it leads to
	below        bool
}

type modelWhiteout struct {
	dir  string
	at   *modelName // the directory, which may have been replaced
	name string     // "" if opaque
}

// A modelTree has names by path: "/" is the root, "/a/b" another one.
type modelTree map[string]*modelName

type modelLayer struct {
	index     int
	names     modelTree
	whiteouts []modelWhiteout
	links     []*modelLink
}

func (t modelTree) remove(name string) {
	for p := range t {
		if p == name || strings.HasPrefix(p, name+"/") {
			delete(t, p)
		}
	}
}

// resolve returns where the directory of a name really is. Missing directories are made
// by missing, or an error.
func (t modelTree) resolve(dir string, missing func(p string) error, through func(*modelName)) (string, error) {
	at, links := "/", 0
	left := strings.Split(dir, "/")
	for len(left) > 0 {
		part := left[0]
		left = left[1:]
		if part == "" || part == "." {
			continue
		}
		if part == ".." {
			at = path.Dir(at)
			continue
		}
		p := path.Join(at, part)
		if t[p] == nil {
			if err := missing(p); err != nil {
				return "", err
			}
		}
		n := t[p]
		switch {
		case n.dir:
			through(n)
			at = p
		case n.file != nil && n.file.entry.Type == tar.TypeSymlink:
			if links++; links > 40 {
				return "", syscall.ELOOP
			}
			target := n.file.entry.Linkname
			if path.IsAbs(target) {
				at = "/"
			}
			left = append(strings.Split(target, "/"), left...)
		default:
			return "", syscall.ENOTDIR
		}
	}
	return at, nil
}

var errModelMissing = errors.New("missing")

// target finds what a hard link leads to.
func (t modelTree) target(name string) (*modelName, error) {
	if name == "/" {
		return nil, ErrTarget
	}
	if len(name) > 4096 {
		return nil, syscall.ENAMETOOLONG
	}
	dir, err := t.resolve(path.Dir(name), func(string) error { return errModelMissing }, func(*modelName) {})
	if err != nil {
		return nil, err
	}
	n := t[path.Join(dir, path.Base(name))]
	switch {
	case n == nil:
		return nil, errModelMissing
	case n.dir:
		return nil, ErrTarget
	}
	return n, nil
}

func modelUnpack(index int, entries []*tarsplit.Entry) (*modelLayer, error) {
	l := &modelLayer{index: index, names: modelTree{"/": {dir: true, solid: true}}}
	for _, e := range entries {
		if err := l.add(e); err != nil {
			return nil, &EntryError{index, e.Name, err}
		}
	}
	for _, w := range l.whiteouts { // directories that are nothing but deleted
		if n := l.names[path.Join(w.dir, w.name)]; w.name != "" && l.names[w.dir] == w.at && n != nil && n.dir && !n.solid {
			l.names.remove(path.Join(w.dir, w.name))
		}
	}
	return l, l.settle()
}

func (l *modelLayer) add(e *tarsplit.Entry) error {
	name := path.Clean("/" + e.Name)
	if len(name) > 4096 {
		return syscall.ENAMETOOLONG
	}
	base := path.Base(name)
	white := strings.HasPrefix(base, ".wh.")
	if !white && !strings.ContainsRune("01234567S", rune(e.Type)) {
		return errors.ErrUnsupported
	}
	if name == "/" {
		if e.Type != tar.TypeDir {
			return syscall.EISDIR
		}
		l.names["/"].file, l.names["/"].name = &modelFile{l.index, e}, e.Name
		return nil
	}
	long := func(p string) error {
		if len(p) > 4096 || len(path.Base(p)) > 255 {
			return syscall.ENAMETOOLONG
		}
		return nil
	}
	dir, err := l.names.resolve(path.Dir(name), func(p string) error {
		l.names[p] = &modelName{dir: true}
		return long(p)
	}, func(n *modelName) { n.solid = n.solid || !white })
	if white && errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	if err != nil {
		return err
	}
	if white {
		switch victim := base[4:]; {
		case base == ".wh..wh..opq":
			l.whiteouts = append(l.whiteouts, modelWhiteout{dir, l.names[dir], ""})
		case victim != "" && victim != "." && victim != ".." && !strings.HasPrefix(victim, ".wh."):
			l.whiteouts = append(l.whiteouts, modelWhiteout{dir, l.names[dir], victim})
		}
		return nil
	}
	at := path.Join(dir, base)
	n := &modelName{dir: e.Type == tar.TypeDir, solid: true, name: e.Name, content: e.File}
	if e.Type == tar.TypeLink {
		target := path.Clean("/" + e.Linkname)
		n.content = e.Name
		switch to, err := l.names.target(target); {
		case errors.Is(err, errModelMissing):
			n.pending = &modelLink{name: e.Name, target: target}
			l.links = append(l.links, n.pending)
		case err != nil:
			return err
		default:
			n.file, n.pending = to.file, to.pending
		}
	} else {
		n.file = &modelFile{l.index, e}
	}
	if old := l.names[at]; old != nil && old.dir && n.dir {
		*old = *n
		return nil
	}
	l.names.remove(at)
	l.names[at] = n
	return long(at)
}

// settle finds targets that came after links to them.
func (l *modelLayer) settle() error {
	used := map[*modelLink]bool{}
	for _, n := range l.names {
		used[n.pending] = true
	}
	l.links = slices.DeleteFunc(l.links, func(k *modelLink) bool { return !used[k] })
	for _, k := range l.links {
		switch n, err := l.names.target(k.target); {
		case errors.Is(err, errModelMissing):
			k.below = true
		case err != nil:
			return &EntryError{l.index, k.name, err}
		case n.pending != nil:
			k.next = n.pending
		default:
			k.file = n.file
		}
	}
	for _, first := range l.links {
		way := []*modelLink{first}
		for k := first; k.next != nil; k = k.next {
			if slices.Contains(way, k.next) {
				k.next, k.below = nil, true
				break
			}
			way = append(way, k.next)
		}
	}
	for _, n := range l.names {
		if n.pending == nil {
			continue
		}
		for n.pending.next != nil {
			n.pending = n.pending.next
		}
		if !n.pending.below {
			n.file, n.pending = n.pending.file, nil
		}
	}
	return nil
}

// hides reports whether a layer hides path p of a layer below, which is a directory
// there or not.
func (l *modelLayer) hides(p string, dir bool) bool {
	for _, w := range l.whiteouts {
		if l.names[w.dir] != w.at {
			continue
		}
		prefix := path.Join(w.dir, w.name)
		if w.name != "" && p == prefix || p != prefix && strings.HasPrefix(p, strings.TrimSuffix(prefix, "/")+"/") {
			return true
		}
	}
	if n := l.names[p]; n != nil && (!n.dir || !dir) {
		return true
	}
	for q := path.Dir(p); q != "/"; q = path.Dir(q) {
		if n := l.names[q]; n != nil && !n.dir {
			return true
		}
	}
	return false
}

// modelMerge returns what layers show.
func modelMerge(layers []*modelLayer) (modelTree, error) {
	if len(layers) == 0 {
		return modelTree{"/": {dir: true}}, nil
	}
	top := layers[len(layers)-1]
	lower, err := modelMerge(layers[:len(layers)-1])
	if err != nil {
		return nil, err
	}
	for _, k := range top.links {
		if !k.below {
			continue
		}
		n, err := lower.target(k.target)
		if errors.Is(err, errModelMissing) {
			err = ErrTarget
		}
		if err != nil {
			return nil, &EntryError{top.index, k.name, err}
		}
		k.from = n
	}
	for _, n := range top.names {
		if n.pending != nil {
			n.file, n.name, n.content = n.pending.from.file, n.pending.from.name, n.pending.from.content
			n.pending = nil
		}
	}
	seen := modelTree{}
	for i, l := range slices.Backward(layers) {
		for p, n := range l.names {
			hidden := strings.Contains(p, "/.wh.")
			for _, above := range layers[i+1:] {
				hidden = hidden || above.hides(p, n.dir)
			}
			if hidden {
				continue
			}
			if have := seen[p]; have == nil || have.file == nil {
				seen[p] = n
			}
		}
	}
	return seen, nil
}

// model returns what Build should.
func model(layers [][]*tarsplit.Entry) ([]Node, error) {
	var unpacked []*modelLayer
	for i, entries := range layers {
		l, err := modelUnpack(i, entries)
		if err != nil {
			return nil, err
		}
		unpacked = append(unpacked, l)
		if _, err := modelMerge(unpacked); err != nil {
			return nil, err
		}
	}
	tree, err := modelMerge(unpacked)
	if err != nil {
		return nil, err
	}
	var paths []string
	for p := range tree {
		paths = append(paths, p)
	}
	slices.SortFunc(paths, func(a, b string) int {
		return slices.Compare(strings.Split(strings.TrimSuffix(a, "/"), "/"), strings.Split(strings.TrimSuffix(b, "/"), "/"))
	})
	first := map[*modelFile]string{}
	var nodes []Node
	for _, p := range paths {
		n := tree[p]
		node := Node{Path: cmp.Or(p[1:], "."), Layer: -1, Entry: &tarsplit.Entry{Type: tar.TypeDir, Mode: 0o755}}
		if n.file != nil {
			e := *n.file.entry
			e.Name, e.File = n.name, n.content
			if e.Type == '7' || e.Type == 'S' {
				e.Type = tar.TypeReg
			}
			if e.Size == 0 {
				e.File = ""
			}
			node.Layer, node.Entry = n.file.layer, &e
			if other, ok := first[n.file]; ok {
				node.Link = other
			} else {
				first[n.file] = node.Path
			}
		} else {
			node.Entry.Name = node.Path + "/"
		}
		nodes = append(nodes, node)
	}
	return nodes, nil
}
