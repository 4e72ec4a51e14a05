package toc

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime"
	"sync"

	"github.com/opencontainers/go-digest"
)

// File is an entry with its content.
type File struct {
	*Entry
	// Open opens the content of a regular file, which must have Entry.Size bytes. It is
	// called by several goroutines, and not for other types, files without content, and
	// entries that have a digest; it may be nil for them.
	Open func() (*os.File, error)
}

// DigestOptions of [Digests]. The zero value is ready to use.
type DigestOptions struct {
	// Progress, if not nil, is told how many more bytes have been read, by several
	// goroutines at once.
	Progress func(bytes int64)
}

// Digests yields the entries of files in their order, with the SHA-256 of the content
// of each regular file that has no digest yet. Files are read on all cores, some hundred
// entries ahead of what is yielded.
//
// An error of files, of opening or reading, a length other than the entry's, or the
// cause of ctx's end is yielded in its place, and ends the iteration. All goroutines
// have ended when it does.
func Digests(ctx context.Context, files iter.Seq2[File, error], opts DigestOptions) iter.Seq2[*Entry, error] {
	return func(yield func(*Entry, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		d := digester{
			ctx: ctx, progress: opts.Progress,
			jobs: make(chan *job), order: make(chan *job, 256),
		}
		var all sync.WaitGroup
		defer all.Wait()
		defer cancel(context.Canceled)
		for range runtime.GOMAXPROCS(0) {
			all.Go(d.work)
		}
		all.Go(func() { d.hand(files) })
		for j := range d.order {
			if j.done != nil {
				select {
				case <-j.done:
				case <-ctx.Done():
					j = &job{err: context.Cause(ctx)}
				}
			}
			if j.err != nil {
				yield(nil, j.err)
				return
			}
			if !yield(j.Entry, nil) {
				return
			}
		}
		if err := context.Cause(ctx); err != nil {
			yield(nil, err)
		}
	}
}

type digester struct {
	ctx      context.Context
	progress func(int64)
	jobs     chan *job
	order    chan *job // all entries, as they came
}

// job is one entry. What the worker writes may be read when done is closed; that is nil
// for an entry with nothing to do.
type job struct {
	File
	err  error
	done chan struct{}
}

// hand gives out the entries, until they end or the context does.
func (d *digester) hand(files iter.Seq2[File, error]) {
	defer close(d.order)
	defer close(d.jobs)
	for f, err := range files {
		j := &job{File: f, err: err}
		if err == nil && f.Type == TypeReg && f.Digest == "" {
			j.done = make(chan struct{})
		}
		select {
		case d.order <- j:
		case <-d.ctx.Done():
			return
		}
		if err != nil {
			return
		}
		if j.done == nil {
			continue
		}
		select {
		case d.jobs <- j:
		case <-d.ctx.Done():
			return
		}
	}
}

func (d *digester) work() {
	buf := make([]byte, 256<<10)
	for j := range d.jobs {
		j.Digest, j.err = d.sum(j.File, buf)
		close(j.done)
	}
}

func (d *digester) sum(f File, buf []byte) (digest.Digest, error) {
	h := sha256.New()
	if f.Size > 0 {
		file, err := f.Open()
		if err != nil {
			return "", fmt.Errorf("entry %.100q: %w", f.Name, err)
		}
		defer file.Close()
		var n int64
		for n <= f.Size && d.ctx.Err() == nil {
			k, err := file.Read(buf)
			h.Write(buf[:k])
			if n += int64(k); d.progress != nil && k > 0 {
				d.progress(int64(k))
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				return "", fmt.Errorf("entry %.100q: %w", f.Name, err)
			}
		}
		if err := context.Cause(d.ctx); err != nil {
			return "", err
		}
		if n != f.Size {
			return "", fmt.Errorf("entry %.100q: the file does not have the %d bytes of the header", f.Name, f.Size)
		}
	}
	return digest.NewDigest(digest.SHA256, h), nil
}
