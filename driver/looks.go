package driver

import (
	"errors"
	"io/fs"
	"path"
)

// NodesReader is implemented by Files for which looking at many nodes in one call takes
// less than as many calls: those that ask another process.
type NodesReader interface {
	Files
	// LstatAll is Lstat of several names in a directory, in their order. It returns the
	// nodes of the first of them, at least one, or an error, which is that of the name
	// behind those that it returns.
	LstatAll(dir string, names []string) ([]*Node, error)
}

// maxAhead is how many names are looked at in one call.
const maxAhead = 256

// looks looks at the nodes of one directory, one after the other, and ahead of the one
// that is asked for where that takes less time.
type looks struct {
	files Files
	dir   string
	list  []DirEntry // that are to come
	names []string   // of the first of them
	ahead []*Node    // likewise
	err   error      // of the name behind those
}

// at looks at the node base, which is the next of the list or one behind it.
func (l *looks) at(base string) (Named, error) {
	name := path.Join(l.dir, base)
	n, err := l.node(name, base)
	if err == nil && n.Mode&fs.ModeIrregular != 0 {
		err = fail("lstat", name, errors.New("a node of an unknown type"))
	}
	return Named{name, n}, err
}

func (l *looks) node(name, base string) (*Node, error) {
	files, ok := l.files.(NodesReader)
	if !ok {
		return l.files.Lstat(name)
	}
	for l.list[0].Name != base {
		l.skip()
	}
	if len(l.ahead) == 0 && l.err == nil {
		if len(l.names) == 0 {
			l.names = make([]string, min(len(l.list), maxAhead))
			for i := range l.names {
				l.names[i] = l.list[i].Name
			}
		}
		l.ahead, l.err = files.LstatAll(l.dir, l.names)
		l.ahead = l.ahead[:min(len(l.ahead), len(l.names))]
		if len(l.ahead) == 0 && l.err == nil {
			l.err = fail("lstat", name, errors.New("nobody has looked at it"))
		}
	}
	if len(l.ahead) == 0 {
		return nil, l.err
	}
	n := l.ahead[0]
	l.skip()
	return n, nil
}

// skip passes the next name by.
func (l *looks) skip() {
	if l.list = l.list[1:]; len(l.names) > 0 {
		l.names = l.names[1:]
	}
	if len(l.ahead) > 0 {
		l.ahead = l.ahead[1:]
	} else {
		l.err = nil
	}
}
