package imagefs

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"syscall"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/driver"
)

// dir is a directory of the merged tree.
type dir struct {
	name string // from the root, which is "."
	up   *dir   // the root's is the root
	self *node

	parts []driver.Part // of the layers that have it, the top first; see disk
}

// node is what a name stands for.
type node struct {
	*driver.Node
	name  string       // where it is, links resolved
	layer *cstor.Layer // that it is in; nil if none has it
	sub   *dir         // of a directory
	file  string       // under which layer opens the content
}

var (
	errIsDir  = syscall.EISDIR
	errNotDir = syscall.ENOTDIR
)

const (
	// maxLinks are followed in one lookup, as many as the kernel's.
	maxLinks = 40
	// maxName is how long a name may be, in bytes, also while links are put in.
	maxName = 64 << 10
)

// walk looks a name up, component by component. The last one is followed if follow.
func (f *FS) walk(name string, follow bool) (*node, error) {
	if strings.IndexByte(name, 0) >= 0 {
		return nil, fs.ErrInvalid
	}
	at, links := f.root, 0
	for name != "" {
		if len(name) > maxName {
			return nil, syscall.ENAMETOOLONG
		}
		part, rest, more := strings.Cut(name, "/")
		name = rest
		switch part {
		case "", ".":
			continue
		case "..":
			at = at.up
			continue
		}
		n, err := f.tree.child(at, part)
		if err != nil {
			return nil, err
		}
		switch {
		case n.Mode.Type() == fs.ModeSymlink && (follow || more):
			if links++; links > maxLinks {
				return nil, syscall.ELOOP
			}
			if n.Link == "" {
				return nil, fs.ErrNotExist
			}
			if strings.HasPrefix(n.Link, "/") {
				at = f.root
			}
			if name = n.Link; more {
				name += "/" + rest
			}
		case n.sub != nil:
			at = n.sub
		case more:
			return nil, syscall.ENOTDIR
		default:
			return n, nil
		}
	}
	return at.self, nil
}

// join appends a component to the name of a directory.
func join(dir, base string) string {
	if dir == "." {
		return base
	}
	return dir + "/" + base
}

// absent reports whether an error says that a name is not there.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

func (n *node) info(base string) fs.FileInfo { return info{name: base, node: n} }

// base is the last component of where a node is.
func (n *node) base() string { return path.Base(n.name) }
