package relay

import (
	"fmt"
	"path"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/beneath"
)

// serving is the server's side of a lane.
type serving struct {
	lane
	server *server
}

// run answers until there are no more questions, or one that is none.
func (l *serving) run() {
	var b [messageSize]byte
	for {
		n, err := receive(l.socket, b[:])
		if err != nil {
			break
		}
		m, err := parseMessage(b[:n])
		if err != nil {
			break
		}
		body, err := m.body(l.mem)
		if err != nil || l.answer(m, &decoder{rest: body}) != nil {
			break
		}
	}
	_ = unix.Shutdown(l.socket, unix.SHUT_RDWR) // tells the client
	_ = unix.Munmap(l.mem)                      // was mapped
}

// answer answers one question.
func (l *serving) answer(m message, d *decoder) error {
	l.buf = l.buf[:0]
	switch m.kind {
	case askOpen:
		return l.open(d)
	case askItem:
		return l.item(d)
	}
	t, err := l.server.tree(m.handle)
	if err != nil {
		return l.failed(err)
	}
	switch m.kind {
	case askFile:
		return l.file(t, d)
	case askLstat:
		return l.lstat(t, d)
	case askLstatAll:
		return l.lstatAll(t, d)
	case askReadDir:
		return l.readDir(t, d)
	case askReadFiles:
		return l.readFiles(t, d)
	}
	return errMalformed
}

// done sends what is in the buffer as the answer. An answer for which there is no room
// is an error.
func (l *serving) done(k kind, at int, fds ...int) error {
	if len(l.buf) > len(l.mem)-at {
		l.buf = l.buf[:0]
		return l.failed(fmt.Errorf("%w: an answer of more than %d bytes", beneath.ErrTooLarge, len(l.mem)-at))
	}
	copy(l.mem[at:], l.buf)
	return send(l.socket, message{kind: k, from: uint32(at), size: uint32(len(l.buf))}.bytes(), fds...)
}

// failed sends an error as the answer.
func (l *serving) failed(err error) error {
	l.buf = l.buf[:0]
	l.buf.briefFault(err)
	return l.done(answerFail, 0)
}

// briefFault appends an error. One whose text would fill the memory, because of a name,
// loses most of it.
func (e *encoder) briefFault(err error) {
	before := len(*e)
	if e.fault(err); len(*e)-before > maxFault {
		*e = (*e)[:before]
		f := newFault(err)
		f.text = fmt.Sprintf("%.1000s…", f.text)
		f.where = nil
		e.fault(f)
	}
}

// maxFault is how many bytes an error may take. There is room for it behind all other
// limits.
const maxFault = 256 << 10

func (l *serving) open(d *decoder) error {
	spec := d.spec()
	if err := d.end(); err != nil {
		return err
	}
	t, err := driver.Open(l.server.stores, spec)
	if err != nil {
		return l.failed(err)
	}
	handle, err := l.server.keep(t)
	if err != nil {
		return l.failed(err)
	}
	hides, ok := t.(interface{ HidesByFile() bool })
	l.buf.uint(uint64(handle))
	l.buf.bool(!ok || hides.HidesByFile())
	return l.done(answerDone, 0)
}

func (l *serving) item(d *decoder) error {
	at, name := d.place(), d.str()
	if err := d.end(); err != nil {
		return err
	}
	item, err := driver.ReadItem(l.server.stores, at, name)
	if err != nil {
		return l.failed(err)
	}
	l.buf.uint(uint64(item.Type))
	l.buf.uint(uint64(item.UID))
	l.buf.uint(uint64(item.GID))
	l.buf.str(item.Text)
	return l.done(answerDone, 0)
}

func (l *serving) file(t driver.Tree, d *decoder) error {
	name := d.str()
	if err := d.end(); err != nil {
		return err
	}
	f, err := t.OpenFile(name)
	if err != nil {
		return l.failed(err)
	}
	defer f.Close()
	fd := int(f.Fd())
	if err := checkFile(fd); err != nil { // it never is anything else
		return l.failed(err)
	}
	l.buf.str(f.Name())
	return l.done(answerDone, 0, fd)
}

func (l *serving) lstat(t driver.Tree, d *decoder) error {
	name := d.str()
	if err := d.end(); err != nil {
		return err
	}
	n, err := t.Lstat(name)
	if err != nil {
		return l.failed(err)
	}
	l.buf.node(n)
	return l.done(answerDone, 0)
}

// maxLooks is how many bytes of nodes one answer has, unless a single one is larger: a
// walk keeps as much for each directory that it is in.
const maxLooks = 64 << 10

func (l *serving) lstatAll(t driver.Tree, d *decoder) error {
	dir, count := d.str(), d.count()
	var nodes encoder
	var n int
	var err error
	for ; n < count && !d.bad && len(nodes) < maxLooks; n++ {
		var node *driver.Node
		if node, err = t.Lstat(path.Join(dir, d.str())); err != nil {
			break
		}
		before := len(nodes)
		if nodes.node(node); n > 0 && len(nodes) > maxLooks {
			nodes = nodes[:before]
			break
		}
	}
	if d.bad {
		return errMalformed
	}
	l.buf.uint(uint64(n))
	l.buf = append(l.buf, nodes...)
	l.maybeFault(err)
	return l.done(answerDone, 0)
}

// maybeFault appends an error, or that there is none.
func (l *serving) maybeFault(err error) {
	if l.buf.bool(err != nil); err != nil {
		l.buf.briefFault(err)
	}
}

// maxPiece is how many bytes of names one answer has.
const maxPiece = 256 << 10

// readDir sends a list in pieces. The client asks for each but the first.
func (l *serving) readDir(t driver.Tree, d *decoder) error {
	name := d.str()
	if err := d.end(); err != nil {
		return err
	}
	all, err := t.ReadDir(name)
	if err != nil {
		return l.failed(err)
	}
	for {
		var piece encoder
		n := 0
		for ; n < len(all) && len(piece) < maxPiece; n++ {
			piece.entry(all[n])
		}
		all = all[n:]
		l.buf = l.buf[:0]
		l.buf.uint(uint64(n))
		l.buf = append(l.buf, piece...)
		if len(all) == 0 {
			return l.done(answerDone, 0)
		}
		if err := l.done(answerMore, 0); err != nil {
			return err
		}
		var b [messageSize]byte
		size, err := receive(l.socket, b[:])
		if err != nil {
			return err
		}
		if m, err := parseMessage(b[:size]); err != nil || m.kind != askNext {
			return errMalformed
		}
	}
}

// into is a file that is to be read.
type into struct {
	name string
	size uint64
}

// readFiles reads files into the memory, one behind the other, up to the first that
// cannot be.
func (l *serving) readFiles(t driver.Tree, d *decoder) error {
	var files []into
	total := uint64(0)
	for n := d.count(); n > 0 && !d.bad; n-- {
		f := into{d.str(), d.uint()}
		if total += f.size; f.size > maxData || total > maxData || len(files) == maxFiles {
			return errMalformed
		}
		files = append(files, f)
	}
	if err := d.end(); err != nil {
		return err
	}
	at, n := uint64(0), 0
	var size int64
	var err error
	for _, f := range files {
		size, err = t.ReadFile(f.name, l.mem[at:at+f.size])
		if err != nil || uint64(size) != f.size {
			break
		}
		at += f.size
		n++
	}
	l.buf.uint(uint64(n))
	l.buf.int(size)
	l.maybeFault(err)
	return l.done(answerDone, int(total))
}
