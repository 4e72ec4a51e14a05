package relay

import (
	"fmt"

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
