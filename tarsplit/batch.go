package tarsplit

import (
	"errors"
	"sync/atomic"
)

// batch is a run of the tar: bytes, some of which have yet to be read from files,
// and perhaps one piece of a file that comes after them.
type batch struct {
	buf   []byte
	parts []part // of buf, in order
	whole part   // all of its extent, never read; no src if there is none
	last  bool   // nothing is behind
	err   error  // what is behind, if it is that

	held  int           // bytes that parts and their names take
	ready chan struct{} // filled
	uses  atomic.Int32
}

// part is n bytes of a file, from the offset from.
type part struct {
	ext  extent
	from int64
	at   int // in the batch
	n    int
	src  *shared // nil if it is all of the file, which nobody else reads
}

func (b *batch) reset() {
	if b.buf == nil {
		b.buf, b.ready = make([]byte, 0, batchSize+smallPiece), make(chan struct{}, 1)
	}
	clear(b.parts) // names
	b.buf, b.parts, b.whole, b.last, b.err, b.held = b.buf[:0], b.parts[:0], part{}, false, nil, 0
}

// fill reads the parts. An error cuts the batch off where it belongs.
func (b *batch) fill(r *Reader) {
	small := b.fillSmall(r)
	for i := range b.parts {
		p := &b.parts[i]
		if err := p.fill(r, b.buf[p.at:p.at+p.n], &small); err != nil {
			for j := range b.parts[i+1:] {
				b.parts[i+1+j].drop()
			}
			b.cut(i, entryError(p.ext.name, err))
			return
		}
	}
	if b.whole.src != nil {
		if err := b.whole.src.open(r.files); err != nil {
			b.last, b.err = false, entryError(b.whole.ext.name, err)
			b.dropWhole()
		}
	}
}

// filled says what came of reading all small files at once.
type filled struct {
	done bool
	left int   // files that were read and not taken yet
	err  error // of the one behind them
}

// fillSmall reads what is all of a file, if files are read together. What belongs to
// larger ones is read one by one.
func (b *batch) fillSmall(r *Reader) filled {
	together, ok := r.files.(BatchReader)
	if !ok {
		return filled{}
	}
	var all []FileInto
	for i := range b.parts {
		if p := &b.parts[i]; p.src == nil {
			all = append(all, FileInto{p.ext.name, b.buf[p.at : p.at+p.n]})
		}
	}
	f := filled{done: true}
	if len(all) == 0 {
		return f
	}
	var size int64
	if f.left, size, f.err = together.ReadFiles(all); f.left < len(all) {
		next := all[max(f.left, 0)]
		if f.err = smallError(next.Name, int64(len(next.P)), size, f.err); f.err == nil {
			f.err = errors.New("was not read")
		}
	}
	return f
}

func (p *part) fill(r *Reader, buf []byte, small *filled) error {
	if p.src != nil {
		defer p.drop()
		if err := p.src.open(r.files); err != nil {
			return err
		}
		if n, err := p.src.file.ReadAt(buf, p.from); n < len(buf) {
			return readError(err, p.ext.from+p.ext.size-p.from-int64(n))
		}
		return nil
	}
	if err := small.read(r, p.ext.name, buf); err != nil {
		return err
	}
	if r.verify != nil {
		return p.ext.sum.check(buf)
	}
	return nil
}

// read makes buf the content of the next small file.
func (f *filled) read(r *Reader, name string, buf []byte) error {
	switch {
	case !f.done:
		return readSmall(r.files, name, buf)
	case f.left > 0:
		f.left--
		return nil
	}
	return f.err
}

// check takes the checksums of files that come in several parts; it is called for each
// batch in order.
func (b *batch) check(r *Reader) {
	if r.verify == nil {
		return
	}
	for i := range b.parts {
		p := &b.parts[i]
		if p.src == nil || p.at >= len(b.buf) {
			continue
		}
		if p.from == p.ext.from && !p.ext.again {
			r.verify.begin(p.ext.sum)
		}
		r.verify.write(b.buf[p.at:p.at+p.n], p.from)
		if p.from+int64(p.n) < p.ext.from+p.ext.size || p.ext.more {
			continue
		}
		if err := r.verify.end(p.ext.length); err != nil {
			b.cut(i, entryError(p.ext.name, err))
			return
		}
	}
}

// cut ends the batch in front of a part.
func (b *batch) cut(part int, err error) {
	b.buf, b.last, b.err = b.buf[:b.parts[part].at], false, err
	b.dropWhole()
}

// drop closes what an unfilled batch would have read from.
func (b *batch) drop() {
	for i := range b.parts {
		b.parts[i].drop()
	}
	b.dropWhole()
}

func (b *batch) dropWhole() {
	b.whole.drop()
	b.whole = part{}
}

func (p *part) drop() {
	if p.src != nil {
		p.src.drop()
	}
}

// release gives the batch back when nobody needs its bytes any more.
func (b *batch) release(free chan<- *batch) {
	if b.uses.Add(-1) == 0 {
		free <- b
	}
}
