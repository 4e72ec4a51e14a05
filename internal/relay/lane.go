package relay

import (
	"os"

	"golang.org/x/sys/unix"
)

// lane is one way to ask the server: a socket for messages, and the memory in which
// their bodies are. One call uses it at a time.
type lane struct {
	socket int
	mem    []byte
	buf    encoder
}

func (l *lane) close() {
	unix.Close(l.socket)
	_ = unix.Munmap(l.mem) // was mapped
}

// question is what is asked. Its body is a name, perhaps with more behind it.
type question struct {
	kind   kind
	handle uint32
	body   func(e *encoder) // nil if there is nothing to say
}

// put writes the body into the memory. It reports whether there is room.
func (l *lane) put(q question) (m message, ok bool) {
	l.buf = l.buf[:0]
	if q.body != nil {
		q.body(&l.buf)
	}
	if len(l.buf) > len(l.mem) {
		l.buf = nil
		return message{}, false
	}
	copy(l.mem, l.buf)
	return message{kind: q.kind, handle: q.handle, size: uint32(len(l.buf))}, true
}

// ask sends a question and waits for the answer.
func (l *lane) ask(m message) (answer, error) {
	if err := send(l.socket, m.bytes()); err != nil {
		return answer{}, err
	}
	var b [messageSize]byte
	n, err := receive(l.socket, b[:])
	if err != nil {
		return answer{}, err
	}
	return l.parse(b[:n])
}

// askFile is ask for an answer that comes with a file, unless it is an error. The
// caller closes it.
func (l *lane) askFile(m message) (a answer, f *os.File, err error) {
	if err := send(l.socket, m.bytes()); err != nil {
		return answer{}, nil, err
	}
	var b [messageSize]byte
	n, fds, err := receiveHanded(l.socket, b[:])
	if err != nil {
		return answer{}, nil, err
	}
	if a, err = l.parse(b[:n]); err == nil && a.kind == answerDone {
		if len(fds) != 1 {
			err = errMalformed
		} else if err = checkFile(fds[0]); err == nil {
			name := a.str()
			return a, os.NewFile(uintptr(fds[0]), name), nil
		}
	}
	closeAll(fds)
	return a, nil, err
}

// answer is what came back: a body that is copied out of the memory.
type answer struct {
	kind kind
	decoder
}

// maybeFault takes an error, or none.
func (a *answer) maybeFault() error {
	if !a.bool() {
		return nil
	}
	return a.fault()
}

func (l *lane) parse(b []byte) (answer, error) {
	m, err := parseMessage(b)
	if err == nil && (m.kind < answerDone || m.kind > answerFail) {
		err = errMalformed
	}
	if err != nil {
		return answer{}, err
	}
	body, err := m.body(l.mem)
	return answer{kind: m.kind, decoder: decoder{rest: body}}, err
}
