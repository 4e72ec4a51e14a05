package ocisource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/cstor-go/cstor"
)

// Layer is one layer of a [Source]. It is safe for concurrent use: what takes long is
// done by one caller, and others wait for it.
type Layer struct {
	src    *Source
	index  int
	stored *cstor.Layer
	diffID digest.Digest // as the configuration has it

	busy chan struct{} // holds one token while somebody finds the descriptor out

	mu    sync.Mutex
	desc  v1.Descriptor // of the blob; no digest if not known yet
	spool *os.File      // the compressed blob, a file without name; nil if there is none
	size  int64         // of the uncompressed layer, if there is a spool
}

func newLayer(s *Source, index int, stored *cstor.Layer, diffID digest.Digest) *Layer {
	l := &Layer{src: s, index: index, stored: stored, diffID: diffID, busy: make(chan struct{}, 1)}
	if size, ok := trusted(stored); ok && s.opts.Compression == None {
		l.desc = v1.Descriptor{MediaType: s.opts.layerType(), Digest: stored.DiffID(), Size: size}
	}
	return l
}

// trusted returns the recorded length of a layer's tar, if diff id and length were found
// by whoever unpacked that tar. Of a layer pulled in parts the length is what a table of
// contents said (container-libs storage/pkg/chunked/storage_linux.go:ApplyDiff).
func trusted(l *cstor.Layer) (size int64, ok bool) {
	id, size := l.DiffID(), l.DiffSize()
	if id == "" || id.Validate() != nil || l.TOCDigest() != "" {
		return 0, false
	}
	return size, size > 0 || size == 0 && id == id.Algorithm().FromBytes(nil)
}

// Index is the place among [Source.Layers].
func (l *Layer) Index() int { return l.index }

// Stored is the layer in the store.
func (l *Layer) Stored() *cstor.Layer { return l.stored }

// DiffID is the digest of the uncompressed layer.
func (l *Layer) DiffID() digest.Digest { return l.diffID }

// Source is what the layer is a part of.
func (l *Layer) Source() *Source { return l.src }

// Descriptor is that of the layer's blob, without annotations; false if it is not known
// yet, because the layer has to be compressed, or to be hashed.
func (l *Layer) Descriptor() (v1.Descriptor, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.desc, l.desc.Digest != ""
}

// Prepare finds out the descriptor, if it is not known yet: it compresses the layer into
// the spool, or hashes it. Progress, if not nil, is told how many more bytes of the
// uncompressed layer were read, by one goroutine at a time. Errors are those of
// [cstor.Layer.WriteTar] and of the spool.
func (l *Layer) Prepare(ctx context.Context, progress func(bytes int64)) (v1.Descriptor, error) {
	if d, ok := l.Descriptor(); ok {
		return d, nil
	}
	if err := l.acquire(ctx); err != nil {
		return v1.Descriptor{}, err
	}
	defer l.release()
	if d, ok := l.Descriptor(); ok {
		return d, nil
	}
	if l.src.opts.Compression == None {
		d, err := l.produce(ctx, io.Discard, progress)
		if err != nil {
			return v1.Descriptor{}, err
		}
		return d, l.know(d, nil)
	}
	file, err := l.src.spoolFile()
	if err != nil {
		return v1.Descriptor{}, err
	}
	d, err := l.produce(ctx, file, progress)
	if err == nil {
		err = l.know(d, file)
	}
	if err != nil {
		_ = file.Close() // and it is gone
		return v1.Descriptor{}, err
	}
	return d, nil
}

// Write writes the layer's blob to w and returns its descriptor, which the caller need
// not know before. The layer is checked against its diff id, at the end, so that after an
// error w has something else. One that is in the spool is taken from there; another is
// compressed straight into w. Progress, if not nil, is told how many more bytes of the
// uncompressed layer were read, by one goroutine at a time; of one in the spool, at the
// end.
//
// Compressed layers of one source share what room there is in memory. Layers may be
// written at the same time, but what takes one must not wait for what takes another.
func (l *Layer) Write(ctx context.Context, w io.Writer, progress func(bytes int64)) (v1.Descriptor, error) {
	known, ok := l.Descriptor()
	if !ok {
		if err := l.acquire(ctx); err != nil {
			return v1.Descriptor{}, err
		}
		defer l.release()
		known, ok = l.Descriptor()
	}
	if file := l.spooled(); file != nil {
		return l.writeSpool(ctx, w, file, progress)
	}
	d, err := l.produce(ctx, w, progress)
	switch {
	case err != nil:
		return v1.Descriptor{}, err
	case ok && (d.Digest != known.Digest || d.Size != known.Size):
		return v1.Descriptor{}, l.fail(&cstor.MismatchError{
			What: "blob", Want: fmt.Sprintf("%s, %d bytes", known.Digest, known.Size), Got: fmt.Sprintf("%s, %d bytes", d.Digest, d.Size),
		})
	case !ok:
		err = l.know(d, nil)
	}
	return d, err
}

// produce rebuilds the layer into w, checks it, and describes what was written.
func (l *Layer) produce(ctx context.Context, w io.Writer, progress func(int64)) (v1.Descriptor, error) {
	if l.src.closed.Load() {
		return v1.Descriptor{}, errClosed
	}
	d := v1.Descriptor{MediaType: l.src.opts.layerType()}
	opts := cstor.WriteOptions{Progress: progress}
	if l.src.opts.Compression == None {
		report, err := l.stored.WriteTar(ctx, w, opts)
		if err == nil {
			err = l.check(report.Digest)
		}
		d.Digest, d.Size = report.Digest, report.Size
		return d, err
	}
	c, err := l.src.newCompressor(ctx, w)
	if err != nil {
		return d, err
	}
	report, err := l.stored.WriteTar(ctx, c, opts)
	if err == nil {
		err = l.check(report.Digest)
	}
	if cerr := c.close(err); err == nil {
		err = cerr
	}
	d.Digest, d.Size = c.sum.Digest(), c.size
	if err == nil {
		l.mu.Lock()
		l.size = report.Size
		l.mu.Unlock()
	}
	return d, err
}

// check compares a layer that has been hashed with what the configuration says.
func (l *Layer) check(got digest.Digest) error {
	if got != l.diffID {
		return l.fail(&cstor.MismatchError{What: "diff id in the configuration", Want: l.diffID.String(), Got: got.String()})
	}
	return nil
}

func (l *Layer) fail(err error) error { return failed(l.stored, err) }

// failed says which layer of which store an error is about.
func failed(l *cstor.Layer, err error) error {
	root, _ := l.Store()
	return &cstor.StoreError{Store: root, What: "layer " + l.ID(), Err: err}
}

func (l *Layer) acquire(ctx context.Context) error {
	select {
	case l.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (l *Layer) release() { <-l.busy }

func (l *Layer) know(d v1.Descriptor, spool *os.File) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.src.closed.Load() {
		return errClosed
	}
	l.desc, l.spool = d, spool
	return nil
}

func (l *Layer) spooled() *os.File {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.spool
}

func (l *Layer) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.spool == nil {
		return nil
	}
	err := l.spool.Close()
	if errors.Is(err, os.ErrClosed) {
		err = nil
	}
	l.spool = nil
	return err
}
