package relay

import (
	"path"

	"github.com/cstor-go/cstor/driver"
)

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
