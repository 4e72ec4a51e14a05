package tarsplit

import (
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/s2"
)

// cachedBlocks of blockLen bytes are kept as they are.
const cachedBlocks = 8

// blockCache holds decompressed blocks of an index, each in the one slot that its
// number gives: no order to keep, and readers of different blocks seldom meet. The
// zero value is empty. It is safe for concurrent use.
type blockCache struct {
	slots [cachedBlocks]struct {
		mu    sync.Mutex
		data  []byte // valid if block is not 0
		block int    // from 1
	}
}

// read fills p with inline bytes, of which the tar has as many from the offset from on.
func (c *blockCache) read(x *index, p []byte, from int64) (n int, err error) {
	for n < len(p) {
		at := from + int64(n)
		k, err := c.readBlock(x, p[n:], int(at/blockLen), int(at%blockLen))
		if err != nil {
			return n, err
		}
		n += k
	}
	return n, nil
}

func (c *blockCache) readBlock(x *index, p []byte, block, from int) (int, error) {
	s := &c.slots[block%cachedBlocks]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.block != block+1 {
		s.block = 0
		data, err := s2.Decode(s.data, x.blocks[block])
		if err == nil && from >= len(data) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil { // of our own making: memory is damaged
			return 0, fmt.Errorf("tarsplit: block %d of the index: %w", block, err)
		}
		s.data, s.block = data, block+1
	}
	return copy(p, s.data[from:]), nil
}

// clear gives the memory back.
func (c *blockCache) clear() {
	for i := range c.slots {
		s := &c.slots[i]
		s.mu.Lock()
		s.data, s.block = nil, 0
		s.mu.Unlock()
	}
}
