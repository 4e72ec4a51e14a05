package imagefs

import (
	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/driver"
)

// looks looks at those nodes of a directory whose type its list does not tell, in its
// order: in some stores at all files.
type looks struct {
	layer *cstor.Layer
	dir   string
	names []string       // that are to come
	ahead []*driver.Node // of the first of them, where many are looked at in one call
}

// maxAhead is how many names are looked at in one call.
const maxAhead = 256

func newLooks(l *cstor.Layer, dir string, list []driver.DirEntry) *looks {
	s := &looks{layer: l, dir: dir}
	for _, e := range list {
		if e.Unsure {
			s.names = append(s.names, e.Name)
		}
	}
	return s
}

// next is the next of these nodes; nil if a container has removed it meanwhile.
func (s *looks) next() (*driver.Node, error) {
	if len(s.ahead) == 0 {
		nodes, err := s.layer.LstatAll(s.dir, s.names[:min(len(s.names), maxAhead)])
		switch {
		case len(nodes) == 0 && absent(err) && s.layer.Changing():
			s.names = s.names[1:]
			return nil, nil
		case len(nodes) == 0:
			return nil, err
		}
		s.ahead = nodes // an error of the next name comes again
	}
	n := s.ahead[0]
	s.ahead, s.names = s.ahead[1:], s.names[1:]
	return n, nil
}
