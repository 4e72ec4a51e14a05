package relay

import (
	"encoding/binary"
	"errors"
)

// A message is what crosses a socket: where in the shared memory of the lane its body
// is, and what it is about. On the control socket the body follows it.
type message struct {
	kind   kind
	handle uint32 // of a tree
	from   uint32 // where the body begins
	size   uint32 // of the body, in bytes
}

// kind says what a message asks for, or answers.
type kind uint32

const (
	// On the control socket, from the client.
	tellStore  kind = iota + 1 // a directory of a store, and its path; then
	tellStart                  // that these were all, and who the client is; then
	tellLane                   // a new lane: a socket, and its memory
	tellForget                 // that a tree is not needed any longer

	// On a lane, from the client.
	askOpen      // opens a layer
	askItem      // driver.ReadItem
	askFile      // OpenFile
	askLstat     // Lstat
	askLstatAll  // LstatAll
	askReadDir   // ReadDir
	askReadFiles // ReadFiles
	askNext      // the next piece of a list

	// From the server.
	answerDone
	answerMore // a piece of a list: there is another one
	answerFail // an error
)

const messageSize = 16

func (m message) bytes() []byte {
	b := make([]byte, 0, messageSize)
	for _, n := range []uint32{uint32(m.kind), m.handle, m.from, m.size} {
		b = binary.NativeEndian.AppendUint32(b, n)
	}
	return b
}

func parseMessage(b []byte) (message, error) {
	if len(b) < messageSize {
		return message{}, errMalformed
	}
	n := func(i int) uint32 { return binary.NativeEndian.Uint32(b[4*i:]) }
	return message{kind(n(0)), n(1), n(2), n(3)}, nil
}

// body copies the body out of the shared memory, where the other side could change it
// while it is read.
func (m message) body(mem []byte) (string, error) {
	if uint64(m.from)+uint64(m.size) > uint64(len(mem)) {
		return "", errMalformed
	}
	return string(mem[m.from : m.from+m.size]), nil
}

var errMalformed = errors.New("a message of the helper process is not what it should be")
