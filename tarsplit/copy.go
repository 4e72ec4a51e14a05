package tarsplit

import (
	"context"
	"errors"
	"hash"
	"io"
	"os"
	"runtime"
	"slices"
	"sync"

	"github.com/cstor-go/cstor/internal/transfer"
)

// CopyOptions of [Reader.Copy]. The zero value is ready to use.
type CopyOptions struct {
	// Hash, if not nil, is given every byte that is written, by another goroutine
	// than the one that writes if there is more than a little. After an error it may
	// have been given more, or less.
	Hash hash.Hash
	// Progress, if not nil, is told how many more bytes were written, by the
	// calling goroutine.
	Progress func(bytes int64)
}

// Copy writes what is left of the tar to w and returns how many bytes that were.
// Unlike Read it uses several cores: files are opened and read ahead, at most
// some MiB, while earlier bytes are hashed and written. The [Opener] is called from
// several goroutines; all have ended when Copy returns.
//
// Without Hash and [Options.CheckCRC] nobody needs to see the bytes: if w is an
// [*os.File], large files then go into it inside the kernel.
//
// Bytes come in order, and w gets none that lie behind an error. When ctx ends, so
// does Copy, with the next few MiB at the latest; but a Write that blocks is waited
// for.
func (r *Reader) Copy(ctx context.Context, w io.Writer, opts CopyOptions) (int64, error) {
	if errors.Is(r.err, io.EOF) {
		return 0, nil
	}
	if r.err != nil {
		return 0, r.err
	}
	d := &delivery{ctx: ctx, r: r, w: w, opts: opts}
	start := r.Offset()
	if d.err = d.begun(); d.err == nil {
		d.run()
	}
	switch {
	case r.err != nil: // by Read
	case d.err == nil:
		_ = r.fail(io.EOF)
	default:
		_ = r.fail(noEOF(d.err))
	}
	r.ahead = r.src.counted().total - start - d.total
	return d.total, d.err
}

// WriteTo implements [io.WriterTo]: it is Copy without options.
func (r *Reader) WriteTo(w io.Writer) (int64, error) {
	return r.Copy(context.Background(), w, CopyOptions{})
}

// delivery is one call of Copy.
type delivery struct {
	ctx   context.Context
	r     *Reader
	w     io.Writer
	opts  CopyOptions
	total int64 // bytes written
	err   error // what ended it; nil at the end of the tar
}

// begun delivers the rest of a piece that Read has begun.
func (d *delivery) begun() error {
	var buf []byte
	for len(d.r.inline) > 0 || d.r.left > 0 {
		if err := context.Cause(d.ctx); err != nil {
			return err
		}
		if buf == nil {
			buf = make([]byte, batchSize)
		}
		n, err := d.r.Read(buf[:min(int64(len(d.r.inline))+d.r.left, batchSize)])
		if werr := d.put(buf[:n]); werr != nil {
			return werr
		}
		if d.opts.Hash != nil {
			d.opts.Hash.Write(buf[:n]) // never fails
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// run delivers everything else. The goroutines and what they pass on:
//
//	plan ──batches to fill──▶ fill (several) ──▶ the caller: write ──▶ back to plan
//	     └─the same, in order──────────────────▶        and hash  ──▶
func (d *delivery) run() {
	p := d.newPlan()
	first := p.next(new(batch))
	if first.err != nil || first.last { // that is all: not worth a goroutine
		first.fill(d.r)
		d.deliver(first, func(b *batch) { d.opts.Hash.Write(b.buf) })
		p.drop()
		return
	}

	workers := max(4, min(runtime.GOMAXPROCS(0), 16))
	batches := 2*workers + 2
	free := make(chan *batch, batches)
	unread := make(chan *batch, batches)  // for whichever worker
	ordered := make(chan *batch, batches) // for the caller
	hashed := make(chan *batch, batches)
	for range batches - 1 {
		free <- new(batch)
	}
	unread <- first
	ordered <- first

	stop := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		defer close(unread)
		defer close(ordered)
		defer p.drop()
		for {
			select {
			case <-stop:
				return
			case b := <-free:
				b = p.next(b)
				last := b.last || b.err != nil
				unread <- b
				ordered <- b
				if last {
					return
				}
			}
		}
	})
	for range workers {
		all.Go(func() {
			for b := range unread {
				select {
				case <-stop:
					b.drop()
				default:
					b.fill(d.r)
				}
				b.ready <- struct{}{}
			}
		})
	}
	if d.opts.Hash != nil {
		all.Go(func() {
			for b := range hashed {
				d.opts.Hash.Write(b.buf)
				b.release(free)
			}
		})
	}
	for b := range ordered {
		<-b.ready
		b.uses.Store(1)
		if !d.deliver(b, func(b *batch) { b.uses.Add(1); hashed <- b }) {
			break
		}
		b.release(free)
	}
	close(stop)
	close(hashed)
	all.Wait()
	for b := range ordered {
		b.dropWhole()
	}
}

// deliver writes a batch, and reports whether there is more to come. It calls hash
// before, if there is anything to hash for.
func (d *delivery) deliver(b *batch, hash func(*batch)) bool {
	defer b.dropWhole()
	b.check(d.r)
	if d.opts.Hash != nil {
		hash(b)
	}
	d.err = d.write(b)
	if d.err == nil && b.whole.src != nil {
		d.err = d.hand(&b.whole)
	}
	if d.err == nil {
		d.err = context.Cause(d.ctx)
	}
	if d.err == nil {
		d.err = d.r.opts.wrapped(b.err)
	}
	return d.err == nil && !b.last
}

// hand moves a piece of a file into w, which is a file as well, inside the kernel. An
// error that is not w's, nor the context's, is about the entry.
func (d *delivery) hand(p *part) error {
	out, ok := d.w.(*os.File)
	if !ok {
		return errors.ErrUnsupported // never: see newPlan
	}
	moved, err := transfer.Copy(out, p.src.file, p.ext.from, p.ext.size, func(n int64) error {
		d.told(n)
		return context.Cause(d.ctx)
	})
	if read := (*transfer.ReadError)(nil); errors.As(err, &read) {
		return d.r.opts.wrapped(entryError(p.ext.name, readError(read.Err, p.ext.size-moved)))
	}
	return err
}

// dividedWrite is how many bytes of a large file are written at a time. Hashing takes
// longer than that, so nothing is lost by more system calls; and the page cache
// takes larger pieces of memory for larger writes, which is not always faster: on a
// virtual machine, where large pieces are seldom backed by the host already, files of
// 1 GiB took between 1.3 and 1.9 times as long by writes of 256 KiB.
const dividedWrite = 16 << 10

// write writes a batch's bytes.
func (d *delivery) write(b *batch) error {
	size := max(len(b.buf), 1)
	if len(b.parts) == 1 && b.parts[0].src != nil {
		size = dividedWrite
	}
	for piece := range slices.Chunk(b.buf, size) {
		if err := d.put(piece); err != nil {
			return err
		}
	}
	return nil
}

func (d *delivery) put(p []byte) error {
	n, err := d.w.Write(p)
	d.told(int64(n))
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return err
}

func (d *delivery) told(n int64) {
	d.total += n
	if d.opts.Progress != nil {
		d.opts.Progress(n)
	}
}
