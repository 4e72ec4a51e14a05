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
	n, err := t.follow(name, last)
	if err != nil {
		return Node{}, &fs.PathError{Op: "lookup", Path: name, Err: err}
	}
	return n, nil
}

func (t *Tree) follow(name string, last bool) (Node, error) {
	var at []string // components of the directory that has been reached
	links := 0
	found, _ := t.Lookup("")
	for name != "" {
		if len(name) > maxFollowed {
			return Node{}, syscall.ENAMETOOLONG
		}
		part, rest, more := strings.Cut(name, "/")
		name = rest
		switch part {
		case "", ".":
			continue
		case "..":
			at = at[:max(len(at)-1, 0)]
			found, _ = t.Lookup(strings.Join(at, "/"))
			continue
		}
		n, ok := t.Lookup(strings.Join(append(at, part), "/"))
		switch {
		case !ok:
			return Node{}, fs.ErrNotExist
		case n.Entry.Type == typeSymlink && (last || more):
			if links++; links > maxFollow {
				return Node{}, syscall.ELOOP
			}
			target := n.Entry.Linkname
			if target == "" {
				return Node{}, fs.ErrNotExist
			}
			if target[0] == '/' {
				at = nil
			}
			found, _ = t.Lookup(strings.Join(at, "/"))
			if name = target; more {
				name += "/" + rest
			}
		case n.Entry.Type == typeDir:
			at, found = append(at, part), n
		case more:
			return Node{}, syscall.ENOTDIR
		default:
			return n, nil
		}
	}
	return found, nil
}

const (
	typeSymlink = '2'
	typeDir     = '5'
)
