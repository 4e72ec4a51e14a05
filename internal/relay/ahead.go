package relay

import (
	"path"
	"slices"
	"sync"
	"time"

	"github.com/cstor-go/cstor/driver"
)

// Who looks at one name of a list after the other, as a walk through an io/fs.FS does,
// would wait for an answer each time. So after the second one some hundred are looked at
// together. Nobody changes the layers of images; of others nothing is kept.

const (
	// maxListed is how many directories' lists are kept, and maxListedNames how many
	// names they have together.
	maxListed      = 16
	maxListedNames = 64 << 10
	// maxAhead is how many names are looked at together.
	maxAhead = 256
	// maxSkipped is how many names may be passed by without that being another order.
	maxSkipped = 16
	// maxAge is how long a node that was looked at ahead counts.
	maxAge = time.Second
)

// listed are the directories that were listed last. The zero value is ready to use. It
// is safe for concurrent use.
type listed struct {
	mu   sync.Mutex
	dirs []*listedDir // the least recently used first
}

// listedDir is a directory whose names are being looked at.
type listedDir struct {
	name  string
	names []string
	next  int // the name that is expected
	row   int // how many were as expected
	nodes []*driver.Node
	taken time.Time // when the nodes were looked at, which begin with the next name
}

// keep remembers a list.
func (l *listed) keep(dir string, list []driver.DirEntry) {
	if len(list) < 3 || len(list) > maxListedNames || dir != path.Clean(dir) {
		return
	}
	d := &listedDir{name: dir, names: make([]string, len(list))}
	for i, e := range list {
		d.names[i] = e.Name
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dirs = slices.DeleteFunc(l.dirs, func(have *listedDir) bool { return have.name == dir })
	l.dirs = append(l.dirs, d)
	total := 0
	for i, d := range slices.Backward(l.dirs) {
		if total += len(d.names); total > maxListedNames || len(l.dirs)-i > maxListed {
			l.dirs = slices.Delete(l.dirs, 0, i+1)
			break
		}
	}
}

// find returns the node if it was looked at ahead; else it returns the names that are to
// be looked at together, if it is time for that.
func (l *listed) find(dir, base string) (n *driver.Node, names []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := slices.IndexFunc(l.dirs, func(d *listedDir) bool { return d.name == dir })
	if at < 0 {
		return nil, nil
	}
	d := l.dirs[at]
	l.dirs = append(slices.Delete(l.dirs, at, at+1), d)
	at, ok := slices.BinarySearch(d.names, base)
	if !ok {
		return nil, nil // of another layer, say
	}
	skipped := at - d.next
	d.next = at + 1
	if skipped < 0 || skipped > maxSkipped {
		d.row, d.nodes = 0, nil
		return nil, nil
	}
	d.nodes = d.nodes[min(skipped, len(d.nodes)):]
	if len(d.nodes) > 0 && time.Since(d.taken) < maxAge {
		n, d.nodes = d.nodes[0], d.nodes[1:]
		return n, nil
	}
	d.nodes = nil
	if d.row++; d.row < 2 {
		return nil, nil
	}
	return nil, d.names[at:min(at+maxAhead, len(d.names))]
}

// looked keeps nodes that begin with the one behind base, unless somebody has gone on
// meanwhile.
func (l *listed) looked(dir, base string, nodes []*driver.Node) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.dirs {
		if d.name == dir && d.next > 0 && d.next <= len(d.names) && d.names[d.next-1] == base {
			d.nodes, d.taken = nodes, time.Now()
		}
	}
}

// lookAhead is Lstat of a name that may be one of many.
func (t *tree) lookAhead(name string) (*driver.Node, error) {
	dir, base := path.Split(name)
	if dir = path.Clean(dir); t.changes || path.Join(dir, base) != name {
		return t.look(name)
	}
	n, names := t.listed.find(dir, base)
	switch {
	case n != nil:
		return n, nil
	case names == nil:
		return t.look(name)
	}
	nodes, err := t.LstatAll(dir, names)
	if len(nodes) == 0 {
		return nil, err
	}
	t.listed.looked(dir, base, nodes[1:])
	return nodes[0], nil // an error is of another name, and comes when that is asked for
}
