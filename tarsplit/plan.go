package tarsplit

import (
	"context"
	"errors"
	"io"
	"os"
	"unsafe"
)

const (
	// batchSize is how many bytes are read, hashed and written at a time.
	batchSize = 256 << 10
	// Pieces up to smallPiece are not divided among batches: what makes a batch
	// longer than batchSize.
	smallPiece = 64 << 10
	// maxHeld is how many bytes the parts of a batch may take with their names: far
	// more than those of any sane batch.
	maxHeld = 1 << 20
	// From kernelPiece on a system call for one file alone pays.
	kernelPiece = 128 << 10
)

// plan cuts a tar into batches.
type plan struct {
	ctx    context.Context
	src    source
	kernel bool // large files need not be read

	ext  extent
	left int64   // bytes of ext that are in no batch yet
	file *shared // of ext, if it does not come as one part
}

func (d *delivery) newPlan() *plan {
	_, file := d.w.(*os.File)
	return &plan{ctx: d.ctx, src: d.r.src, kernel: file && d.opts.Hash == nil && d.r.verify == nil}
}

// next makes b the next batch.
func (p *plan) next(b *batch) *batch {
	b.reset()
	if b.err = context.Cause(p.ctx); b.err != nil {
		return b
	}
	for len(b.buf) < batchSize && b.held < maxHeld && b.whole.src == nil {
		if p.left == 0 {
			var err error
			if p.ext, err = p.src.next(); err != nil {
				if b.last = errors.Is(err, io.EOF); !b.last {
					b.err = err
				}
				return b
			}
			if p.ext.lost {
				b.err = entryError(p.ext.name, errLostMap)
				return b
			}
			if p.left = p.ext.size; p.ext.inline != nil {
				p.left = int64(len(p.ext.inline))
			}
		}
		n := p.left
		if n > smallPiece {
			n = min(n, int64(batchSize-len(b.buf)))
		}
		switch {
		case p.ext.inline != nil:
			b.buf = append(b.buf, p.ext.inline[:n]...)
			p.ext.inline = p.ext.inline[n:]
		case p.kernel && p.ext.size >= kernelPiece:
			n, b.whole = p.left, part{ext: p.ext, src: p.use(p.left)}
		default:
			p.addFile(b, int(n))
		}
		p.left -= n
	}
	return b
}

// addFile adds n bytes of a file.
func (p *plan) addFile(b *batch, n int) {
	at := part{ext: p.ext, from: p.ext.from + p.ext.size - p.left, at: len(b.buf), n: n}
	if int64(n) < p.ext.length {
		at.src = p.use(int64(n))
	}
	b.parts = append(b.parts, at)
	b.held += int(unsafe.Sizeof(at)) + len(at.ext.name)
	b.buf = b.buf[:len(b.buf)+n]
}

// use returns the file of ext, of which n bytes more are taken; the caller drops it.
func (p *plan) use(n int64) *shared {
	if p.file == nil {
		p.file = newShared(p.ext)
	}
	file := p.file
	file.users.Add(1)
	if n == p.left && !p.ext.more {
		p.drop()
	}
	return file
}

// drop lets go of the file that is in use.
func (p *plan) drop() {
	if p.file != nil {
		p.file.drop()
		p.file = nil
	}
}
