package merge

import (
	"io/fs"
	"strings"
	"syscall"
)

const (
	// maxFollow is how many links are followed in one lookup, as many as the kernel's.
	maxFollow = 40
	// maxFollowed is how long a name may get while links are put in, in bytes.
	maxFollowed = 64 << 10
)

// Follow returns the node that a name leads to. Symbolic links are resolved inside the
// tree, absolute ones and ".." too; the last component is followed only if last. The
// error is an [*fs.PathError] and matches [fs.ErrNotExist], [syscall.ENOTDIR],
// [syscall.ELOOP] after 40 links, or [syscall.ENAMETOOLONG].
func (t *Tree) Follow(name string, last bool) (Node, error) {
	i, err := t.follow(name, last)
	if err != nil {
		return Node{}, &fs.PathError{Op: "lookup", Path: name, Err: err}
	}
	return t.node(i, t.path(i)), nil
}

func (t *Tree) follow(name string, last bool) (at uint32, err error) {
	links := 0
	for name != "" {
		if len(name) > maxFollowed {
			return 0, syscall.ENAMETOOLONG
		}
		part, rest, more := strings.Cut(name, "/")
		name = rest
		switch part {
		case "", ".":
			continue
		case "..":
			at = t.nodes[at].parent // the root's is the root
			continue
		}
		i, ok := t.child(at, part)
		if !ok {
			return 0, fs.ErrNotExist
		}
		switch kind, target := t.kind(i); {
		case kind == typeSymlink && (last || more):
			if links++; links > maxFollow {
				return 0, syscall.ELOOP
			}
			if target == "" {
				return 0, fs.ErrNotExist
			}
			if target[0] == '/' {
				at = 0
			}
			if name = target; more {
				name += "/" + rest
			}
		case kind == typeDir:
			at = i
		case more:
			return 0, syscall.ENOTDIR
		default:
			return i, nil
		}
	}
	return at, nil
}

// kind is the type of a node, and the target of a symbolic link.
func (t *Tree) kind(i uint32) (kind byte, target string) {
	n := &t.nodes[i]
	if n.header == 0 {
		return typeDir, ""
	}
	h := t.headers.at(n.header)
	if h.kind == typeSymlink && h.text != 0 {
		target = t.linkname(h)
	}
	return h.kind, target
}

const (
	typeSymlink = '2'
	typeDir     = '5'
)
