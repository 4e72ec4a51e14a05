package tarsplit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/s2"
)

// defaultMaxIndex is that of Options.MaxIndex.
const defaultMaxIndex = 512 << 20

// indexer builds an index.
type indexer struct {
	index
	end   fileAt // of what has been added
	first int    // of the pieces of the present file
	block []byte // inline bytes that are not compressed yet
	spare []byte // for compressing
	held  int64  // bytes of the index
	max   int64
}

// newIndex reads a recipe to its end. What the index holds is at most limit bytes;
// while slices grow it may be three times that.
func newIndex(walk *walker, limit int64) (*index, error) {
	b := &indexer{
		block: make([]byte, 0, blockLen),
		spare: make([]byte, s2.MaxEncodedLen(blockLen)),
		max:   limit,
	}
	for {
		ext, err := walk.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if ext.inline != nil {
			b.inline(ext.inline)
		} else {
			b.file(ext)
		}
		if b.held > b.max {
			return nil, walk.bad(fmt.Errorf("an index of more than %d bytes: %w", b.max, ErrLimit))
		}
	}
	if len(b.block) > 0 {
		b.flush()
	}
	// Clones have no spare capacity.
	return &index{
		files:  slices.Clone(append(b.files, b.end)),
		names:  bytes.Clone(b.names),
		pieces: slices.Clone(b.pieces),
		blocks: slices.Clone(b.blocks),
	}, nil
}

func (b *indexer) file(ext extent) {
	if !ext.whole() {
		b.piece(ext)
	}
	b.files = append(b.files, b.end)
	if !ext.more {
		b.names = append(b.names, ext.name...)
		b.held += int64(len(ext.name))
	}
	b.end.tar += ext.size // the walker has looked for overflow
	b.end.content += ext.size
	b.end.name = int64(len(b.names))
	b.held += fileAtLen
}

func (b *indexer) piece(ext extent) {
	if !ext.again {
		b.first = len(b.pieces)
	}
	file := len(b.files)
	b.pieces = append(b.pieces, pieceAt{file: file, from: ext.from, length: ext.length, lost: ext.lost})
	b.held += pieceAtLen
	if ext.more {
		return
	}
	for i := range b.pieces[b.first:] {
		b.pieces[b.first+i].last = file
	}
}

func (b *indexer) inline(p []byte) {
	b.end.tar += int64(len(p))
	for len(p) > 0 {
		n := min(len(p), blockLen-len(b.block))
		b.block = append(b.block, p[:n]...)
		if p = p[n:]; len(b.block) == blockLen {
			b.flush()
		}
	}
}

func (b *indexer) flush() {
	packed := bytes.Clone(s2.Encode(b.spare, b.block))
	b.blocks = append(b.blocks, packed)
	b.held += 3*8 + int64(cap(packed))
	b.block = b.block[:0]
}
