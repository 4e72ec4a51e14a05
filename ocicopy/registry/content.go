package registry

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
)

// content is a blob as the body of a request. Its last byte is held back until the source
// has said that it was the last and that all was right, so that what is wrong is never
// sent in full. It may be closed while it is read: a request can end before its body does.
type content struct {
	mu         sync.Mutex
	src        io.ReadCloser
	size, sent int64
	err        error // sticky
	tell       func(n int64)
}

func newContent(src io.ReadCloser, size int64, tell func(n int64)) *content {
	return &content{src: src, size: size, tell: tell}
}

func (c *content) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch left := c.size - c.sent; {
	case c.err != nil:
		return 0, c.err
	case len(p) == 0:
		return 0, nil
	case left > 1:
		p = p[:min(int64(len(p)), left-1)]
		n, err := c.src.Read(p)
		c.sent += int64(n)
		c.tell(int64(n))
		if errors.Is(err, io.EOF) {
			err = c.short()
		}
		c.err = err
		return n, err
	default:
		return c.last(p, int(left))
	}
}

// last reads the last byte, of left, which is 1 or, of an empty blob, 0.
func (c *content) last(p []byte, left int) (int, error) {
	var end [2]byte
	n, err := io.ReadFull(c.src, end[:left+1])
	switch {
	case n > left:
		c.err = fmt.Errorf("the source has more than %d bytes", c.size)
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		c.err = err
	case n < left:
		c.err = c.short()
	default:
		c.err = io.EOF
		c.sent += int64(n)
		c.tell(int64(n))
		return copy(p, end[:n]), io.EOF
	}
	return 0, c.err
}

func (c *content) short() error {
	return fmt.Errorf("the source has %d bytes instead of %d", c.sent, c.size)
}

// Close waits for a Read that is under way.
func (c *content) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.src == nil {
		return nil
	}
	if c.err == nil {
		c.err = fs.ErrClosed
	}
	err := c.src.Close()
	c.src = nil
	return err
}

// end closes c and tells how much was read, and what was wrong with the source.
func (c *content) end() (sent int64, failed error) {
	_ = c.Close() // was only read
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == io.EOF || errors.Is(c.err, fs.ErrClosed) { //nolint:errorlint // is never wrapped here
		return c.sent, nil
	}
	return c.sent, c.err
}
