package cstor

import (
	"slices"
	"sync"

	"github.com/cstor-go/cstor/driver"
)

// maxTrees is how many layers' trees are kept open for the next call. Each holds a
// descriptor or two, and a server may look into thousands of layers.
const maxTrees = 64

// trees are the layers' trees that are open: those in use, and some that were used
// last.
type trees struct {
	mu     sync.Mutex
	closed bool
	list   []*tree // the least recently used first
}

// tree is a layer's files while somebody may use them.
type tree struct {
	driver.Tree
	layer *Layer
	users int
	lost  bool // it is in no list: the process that reads it is gone
}

// use opens the layer's tree, or finds it open. The caller calls done.
func (t *trees) use(l *Layer) (*tree, error) {
	if found, err := t.find(l); found != nil || err != nil {
		return found, err
	}
	c, err := l.openTree() // not under the lock: it may read megabytes
	if err != nil {
		return nil, damaged(err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		_ = c.Close() // was only read
		return nil, errClosed
	}
	// Another call may have opened it meanwhile: then there are two for a while.
	tr := &tree{Tree: c, layer: l, users: 1}
	t.list = append(t.list, tr)
	t.evict()
	return tr, nil
}

// find returns the layer's tree if it is open, nil otherwise.
func (t *trees) find(l *Layer) (*tree, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, errClosed
	}
	at := slices.IndexFunc(t.list, func(tr *tree) bool { return tr.layer == l })
	if at < 0 {
		return nil, nil
	}
	tr := t.list[at]
	t.list = slices.Delete(t.list, at, at+1)
	if driver.Ended(tr.Tree) {
		if tr.lost = true; tr.users == 0 {
			_ = tr.Close() // was only read
		}
		return nil, nil
	}
	tr.users++
	t.list = append(t.list, tr)
	return tr, nil
}

// done ends a use.
func (t *trees) done(tr *tree) {
	t.mu.Lock()
	defer t.mu.Unlock()
	tr.users--
	switch {
	case tr.lost && tr.users == 0:
		_ = tr.Close() // was only read
	case !t.closed:
		t.evict()
	}
}

// evict closes what nobody uses, as far as there are too many.
func (t *trees) evict() {
	for at := 0; at < len(t.list) && len(t.list) > maxTrees; {
		if t.list[at].users > 0 {
			at++
			continue
		}
		_ = t.list[at].Close() // was only read
		t.list = slices.Delete(t.list, at, at+1)
	}
}

// close closes all trees, in use or not: calls in progress then fail.
func (t *trees) close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	var first error
	for _, tr := range t.list {
		if err := tr.Close(); first == nil {
			first = err
		}
	}
	t.list = nil
	return first
}
