package relay

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/beneath"
)

// server answers one client about the stores that it was told of at the start. After
// that nothing is opened but below their directories.
type server struct {
	stores []*beneath.Dir

	mu    sync.RWMutex
	trees map[uint32]driver.Tree
	last  uint32 // handle that was given away
	lanes []int  // sockets

	running sync.WaitGroup
}

// maxTrees is how many layers may be open. Package cstor keeps some dozen.
const maxTrees = 4096

// Serve answers the client at the other end of a socket until that closes it, or ends,
// and returns nil then. Other errors are about a client that does not keep to the rules.
func Serve(control int) error {
	s := &server{trees: map[uint32]driver.Tree{}}
	client, err := s.begin(control)
	if err == nil {
		err = send(control, message{kind: answerDone}.bytes())
	} else if !errors.Is(err, io.EOF) {
		var e encoder
		e.fault(err)
		err = errors.Join(err, send(control, append(message{kind: answerFail}.bytes(), e...)))
	}
	for err == nil {
		err = s.told(control, client)
	}
	if client >= 0 {
		unix.Close(client)
	}
	s.end()
	if errors.Is(err, io.EOF) || errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) {
		return nil
	}
	return err
}

// begin learns of the stores, and who the client is: a descriptor of the process, -1 if
// that is not known.
func (s *server) begin(control int) (client int, err error) {
	b := make([]byte, messageSize+unix.PathMax)
	for {
		n, fds, err := receiveHanded(control, b)
		if err != nil {
			return -1, err
		}
		m, err := parseMessage(b[:n])
		switch {
		case err != nil:
		case m.kind == tellStart && len(fds) == 1:
			return fds[0], nil
		case m.kind == tellStart && len(fds) == 0:
			return -1, nil
		case m.kind == tellStore && len(fds) == 1 && len(s.stores) < maxStores:
			d, err := beneath.FromHandle(fds[0], string(b[messageSize:n]), beneath.NoLinks)
			if err != nil {
				return -1, err
			}
			s.stores = append(s.stores, d)
			continue
		default:
			err = errMalformed
		}
		closeAll(fds)
		return -1, err
	}
}

// told waits for the client to say something, and does it.
func (s *server) told(control, client int) error {
	if err := wait(control, client); err != nil {
		return err
	}
	var b [messageSize]byte
	n, fds, err := receiveHanded(control, b[:])
	if err != nil {
		return err
	}
	defer closeAll(fds)
	m, err := parseMessage(b[:n])
	switch {
	case err != nil:
		return err
	case m.kind == tellForget && len(fds) == 0:
		s.forget(m.handle)
		return nil
	case m.kind == tellLane && len(fds) == 2:
		mem, err := openMemory(fds[1])
		if err != nil {
			return err
		}
		return s.open(&fds[0], mem)
	}
	return errMalformed
}

// wait waits until there is something to receive. That the client is gone is [io.EOF],
// even if somebody else has inherited its socket.
func wait(control, client int) error {
	fds := []unix.PollFd{{Fd: int32(control), Events: unix.POLLIN}, {Fd: int32(client), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(fds, -1) // a negative descriptor is none
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return err
		case fds[1].Revents != 0:
			return io.EOF
		}
		return nil
	}
}

// open starts a lane, and takes its socket over.
func (s *server) open(socket *int, mem []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lanes) == maxLanes {
		_ = unix.Munmap(mem) // was mapped
		return fmt.Errorf("more than %d lanes", maxLanes)
	}
	l := &serving{server: s, lane: lane{socket: *socket, mem: mem}}
	*socket = -1
	s.lanes = append(s.lanes, l.socket)
	s.running.Go(l.run)
	return nil
}

// end ends the lanes, and closes everything when they have ended.
func (s *server) end() {
	s.mu.Lock()
	for _, socket := range s.lanes {
		_ = unix.Shutdown(socket, unix.SHUT_RDWR) // fails if the other end is gone
	}
	s.mu.Unlock()
	s.running.Wait()
	for _, socket := range s.lanes {
		unix.Close(socket)
	}
	for _, t := range s.trees {
		_ = t.Close() // was only read
	}
	for _, d := range s.stores {
		_ = d.Close() // likewise
	}
}

// keep gives a tree a handle.
func (s *server) keep(t driver.Tree) (handle uint32, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.trees) == maxTrees {
		_ = t.Close() // was only read
		return 0, fmt.Errorf("more than %d layers are open", maxTrees)
	}
	for taken := true; taken; { // after four thousand million layers it begins again
		s.last++
		_, taken = s.trees[s.last]
	}
	s.trees[s.last] = t
	return s.last, nil
}

func (s *server) tree(handle uint32) (driver.Tree, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if t := s.trees[handle]; t != nil {
		return t, nil
	}
	return nil, fs.ErrClosed
}

func (s *server) forget(handle uint32) {
	s.mu.Lock()
	t := s.trees[handle]
	delete(s.trees, handle)
	s.mu.Unlock()
	if t != nil {
		_ = t.Close() // was only read
	}
}
