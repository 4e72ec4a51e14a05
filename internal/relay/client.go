package relay

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/beneath"
)

// ErrEnded is matched when the process that was to answer has ended, or does not answer
// as it should.
var ErrEnded = errors.New("the helper process has ended")

// ended says why, without passing for the cause: for [io.EOF], say, which is no error to
// everybody.
func ended(cause error) error {
	if errors.Is(cause, io.EOF) || errors.Is(cause, ErrEnded) {
		return ErrEnded
	}
	return fmt.Errorf("%w: %v", ErrEnded, cause) //nolint:errorlint // see above
}

// errClosed is what calls give after Close.
var errClosed = fmt.Errorf("the helper is closed: %w", fs.ErrClosed)

// maxLanes is how many calls may be under way at a time; others wait. It is how many
// batches of a tar are read at a time at most (package tarsplit).
const maxLanes = 16

// Client asks a server. It is safe for concurrent use.
type Client struct {
	control int        // a socket
	tell    sync.Mutex // held while something is sent on it
	silent  bool       // it is closed

	tokens chan struct{} // for lanes in use
	mu     sync.Mutex
	lanes  []*lane // all
	idle   []*lane // those that nobody uses, the last one used last
	end    error   // why there will be no more answers
}

// Start tells the server at the other end of a socket which stores it is for. It takes
// the socket over, a SOCK_SEQPACKET one that blocks. The caller closes the result;
// stores are not needed any longer.
func Start(control int, stores []*beneath.Dir) (*Client, error) {
	c := &Client{control: control, tokens: make(chan struct{}, maxLanes)}
	if err := c.start(stores); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// maxStores is how many stores one configuration may have.
const maxStores = 64

func (c *Client) start(stores []*beneath.Dir) error {
	if len(stores) > maxStores {
		return fmt.Errorf("more than %d stores: %w", maxStores, fs.ErrInvalid)
	}
	for _, s := range stores {
		handle, err := s.Handle()
		if err != nil {
			return err
		}
		path := s.Path()[:min(len(s.Path()), unix.PathMax)] // for messages only
		err = send(c.control, append(message{kind: tellStore}.bytes(), path...), int(handle.Fd()))
		if err = errors.Join(err, handle.Close()); err != nil {
			return ended(err)
		}
	}
	var us []int
	if fd, err := unix.PidfdOpen(os.Getpid(), 0); err == nil { // from Linux 5.3 on
		defer unix.Close(fd)
		us = []int{fd}
	}
	err := send(c.control, message{kind: tellStart}.bytes(), us...)
	if err != nil {
		return ended(err)
	}
	b := make([]byte, 4096)
	n, err := receive(c.control, b)
	if err != nil {
		return ended(err)
	}
	m, err := parseMessage(b[:n])
	switch {
	case err != nil || m.kind != answerDone && m.kind != answerFail:
		return ended(errMalformed)
	case m.kind == answerFail:
		d := decoder{rest: string(b[messageSize:n])}
		return d.fault()
	}
	return nil
}

// Close ends the server and all calls, which then fail, as all later ones do, with
// errors that match [fs.ErrClosed]. Twice is fine.
func (c *Client) Close() error {
	_ = c.fail(errClosed) // as was wanted
	return nil
}

// Ended reports whether there will be no more answers.
func (c *Client) Ended() bool { return c.why() != nil }

func (c *Client) why() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.end
}

// fail makes err the last word, unless there was one, and wakes all who wait.
func (c *Client) fail(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end != nil {
		return c.end
	}
	c.end = err
	for _, l := range c.lanes {
		_ = unix.Shutdown(l.socket, unix.SHUT_RDWR) // fails if the other end is gone already
	}
	for _, l := range c.idle {
		l.close()
	}
	c.lanes, c.idle = nil, nil
	_ = unix.Shutdown(c.control, unix.SHUT_RDWR) // likewise; who is just sending stops
	c.tell.Lock()
	defer c.tell.Unlock()
	c.silent = true
	unix.Close(c.control)
	return c.end
}

// say sends a message on the control socket. Nobody answers.
func (c *Client) say(m message, fds ...int) error {
	c.tell.Lock()
	defer c.tell.Unlock()
	if c.silent {
		return ErrEnded
	}
	return send(c.control, m.bytes(), fds...)
}

// take returns a lane that nobody uses. The caller gives it back.
func (c *Client) take() (*lane, error) {
	c.tokens <- struct{}{}
	c.mu.Lock()
	if c.end != nil {
		defer c.mu.Unlock()
		<-c.tokens
		return nil, c.end
	}
	if last := len(c.idle) - 1; last >= 0 {
		defer c.mu.Unlock()
		l := c.idle[last]
		c.idle = c.idle[:last]
		return l, nil
	}
	c.mu.Unlock()
	l, err := c.newLane()
	if err != nil {
		<-c.tokens
		return nil, err
	}
	return l, nil
}

// newLane makes a lane.
func (c *Client) newLane() (*lane, error) {
	fd, mem, err := newMemory()
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	ours, theirs, err := newPair()
	if err != nil {
		_ = unix.Munmap(mem) // nobody has it
		return nil, err
	}
	defer unix.Close(theirs)
	l := &lane{socket: ours, mem: mem}
	if err := c.say(message{kind: tellLane}, theirs, fd); err != nil {
		l.close()
		return nil, c.fail(ErrEnded)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end != nil {
		l.close()
		return nil, c.end
	}
	c.lanes = append(c.lanes, l)
	return l, nil
}

// give takes a lane back.
func (c *Client) give(l *lane) {
	c.mu.Lock()
	defer c.mu.Unlock()
	<-c.tokens
	if c.end != nil {
		l.close()
		return
	}
	c.idle = append(c.idle, l)
}
