package relay

import (
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/tarsplit"
)

// tree is a layer that the server has open.
type tree struct {
	client *Client
	handle uint32
	hides  bool // see driver.HiddenByFile
	closed atomic.Bool

	changes bool // the layer may change
	listed  listed
}

var (
	_ driver.Tree          = (*tree)(nil)
	_ driver.NodesReader   = (*tree)(nil)
	_ tarsplit.BatchReader = (*tree)(nil)
)

// begin asks a question; op and name are for errors. The caller gives the lane back.
func (t *tree) begin(op, name string, k kind, body func(e *encoder)) (l *lane, m message, err error) {
	if t.closed.Load() {
		return nil, m, t.wrap(op, name, fs.ErrClosed)
	}
	l, m, err = t.client.begin(question{k, t.handle, body})
	return l, m, t.wrap(op, name, err)
}

// wrap says of an error that is not the other side's what it was about.
func (t *tree) wrap(op, name string, err error) error {
	switch err.(type) { //nolint:errorlint // these say it
	case nil, *fs.PathError, *fault:
		return err
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// ask asks about a name.
func (t *tree) ask(op string, k kind, name string, take func(a *answer)) error {
	l, m, err := t.begin(op, name, k, func(e *encoder) { e.str(name) })
	if err != nil {
		return err
	}
	a, err := l.ask(m)
	return t.wrap(op, name, t.client.finish(l, &a, err, take))
}

// Close implements [driver.Tree].
func (t *tree) Close() error {
	if !t.closed.Swap(true) {
		_ = t.client.say(message{kind: tellForget, handle: t.handle}) // if it cannot be said, nobody is there
	}
	return nil
}

// Ended reports whether the server is gone: see [driver.Ended].
func (t *tree) Ended() bool { return t.client.Ended() }

// HidesByFile implements what [driver.HiddenByFile] asks.
func (t *tree) HidesByFile() bool { return t.hides }

// Changing implements what [driver.Changing] asks.
func (t *tree) Changing() bool { return t.changes }

// Lstat implements [driver.Files].
func (t *tree) Lstat(name string) (*driver.Node, error) {
	if t.closed.Load() || t.Ended() {
		return t.look(name)
	}
	return t.lookAhead(name)
}

// look is Lstat of one name.
func (t *tree) look(name string) (n *driver.Node, err error) {
	err = t.ask("lstat", askLstat, name, func(a *answer) { n = a.node() })
	if err != nil {
		return nil, err
	}
	return n, nil
}

// LstatAll implements [driver.NodesReader].
func (t *tree) LstatAll(dir string, names []string) (nodes []*driver.Node, err error) {
	l, m, err := t.begin("lstat", dir, askLstatAll, func(e *encoder) {
		e.str(dir)
		e.uint(uint64(len(names)))
		for _, name := range names {
			e.str(name)
		}
	})
	if err != nil {
		return nil, err
	}
	a, err := l.ask(m)
	var next error // of the name behind the nodes
	err = t.client.finish(l, &a, err, func(a *answer) {
		for n := min(a.count(), len(names)); n > 0 && !a.bad; n-- {
			nodes = append(nodes, a.node())
		}
		if next = a.maybeFault(); next == nil && len(nodes) == 0 && len(names) > 0 {
			a.fail()
		}
	})
	if err != nil {
		return nil, t.wrap("lstat", dir, err)
	}
	return nodes, next
}

// ReadDir implements [driver.Files]. The list comes in pieces.
func (t *tree) ReadDir(name string) (all []driver.DirEntry, err error) {
	l, m, err := t.begin("readdir", name, askReadDir, func(e *encoder) { e.str(name) })
	if err != nil {
		return nil, err
	}
	take := func(a *answer) {
		for n := a.count(); n > 0 && !a.bad; n-- {
			all = append(all, a.entry())
		}
	}
	a, err := l.ask(m)
	for err == nil && a.kind == answerMore {
		before := len(all)
		take(&a)
		if err = a.end(); err == nil && (len(all) == before || len(all) > maxNames) {
			err = errMalformed
		}
		if err == nil {
			a, err = l.ask(message{kind: askNext, handle: t.handle})
		}
	}
	if err = t.client.finish(l, &a, err, take); err != nil {
		return nil, t.wrap("readdir", name, err)
	}
	if !t.changes {
		t.listed.keep(name, all)
	}
	return all, nil
}

// maxNames is how many names a directory may have, as maxNodes of package driver.
const maxNames = 4 << 20

// OpenFile implements [driver.Files].
func (t *tree) OpenFile(name string) (*os.File, error) {
	l, m, err := t.begin("open", name, askFile, func(e *encoder) { e.str(name) })
	if err != nil {
		return nil, err
	}
	a, f, err := l.askFile(m)
	if err = t.client.finish(l, &a, err, func(*answer) {}); err != nil {
		_ = f.Close() // was only opened, if it was
		return nil, t.wrap("open", name, err)
	}
	return f, nil
}

// Open opens a layer: see [driver.Open].
func (c *Client) Open(spec driver.Spec) (driver.Tree, error) {
	t := &tree{client: c, changes: spec.Container}
	err := c.call(askOpen, func(e *encoder) { e.spec(spec) }, func(a *answer) {
		t.handle, t.hides = uint32(a.uint()), a.bool()
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// ReadItem is [driver.ReadItem].
func (c *Client) ReadItem(at driver.Place, name string) (item driver.Item, err error) {
	err = c.call(askItem, func(e *encoder) { e.place(at); e.str(name) }, func(a *answer) {
		item = driver.Item{Type: fs.FileMode(a.uint()), UID: uint32(a.uint()), GID: uint32(a.uint()), Text: a.str()}
	})
	return item, err
}

// call asks a question that is about no tree.
func (c *Client) call(k kind, body func(e *encoder), take func(a *answer)) error {
	l, m, err := c.begin(question{kind: k, body: body})
	if err != nil {
		return err
	}
	a, err := l.ask(m)
	return c.finish(l, &a, err, take)
}

// begin takes a lane and puts a question on it. Where there is no room for it, a name is
// too long.
func (c *Client) begin(q question) (*lane, message, error) {
	l, err := c.take()
	if err != nil {
		return nil, message{}, err
	}
	m, ok := l.put(q)
	if !ok {
		c.give(l)
		return nil, m, syscall.ENAMETOOLONG
	}
	return l, m, nil
}

// finish gives the lane back after an answer: its content goes to take, and if it is an
// error, that is returned. If there was none, or not what it should be, that is the end
// of the client.
func (c *Client) finish(l *lane, a *answer, broken error, take func(a *answer)) (err error) {
	if broken == nil {
		switch a.kind {
		case answerDone:
			take(a)
		case answerFail:
			err = a.fault()
		default:
			a.fail()
		}
		broken = a.end()
	}
	if broken != nil {
		err = c.fail(ended(broken))
	}
	c.give(l)
	return err
}
