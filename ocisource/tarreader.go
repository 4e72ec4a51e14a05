package ocisource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/tarsplit"
)

// tarReader reads an uncompressed layer: forward by its stream, and anywhere else by its
// index, which is made when it is needed first.
type tarReader struct {
	ctx    context.Context // of Fetch: see there
	layer  *cstor.Layer
	size   int64
	at     int64 // where the next Read begins
	stream *tarsplit.Reader
	past   int64 // where the stream stands
	index  *tarsplit.ReaderAt
	closed bool
}

var _ io.ReadSeekCloser = (*tarReader)(nil)

func newTarReader(ctx context.Context, l *cstor.Layer, size int64) (*tarReader, error) {
	r := &tarReader{ctx: ctx, layer: l, size: size}
	var err error
	r.stream, err = l.Tar(ctx, cstor.TarOptions{})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Read implements [io.Reader]. A layer that ends before its size gives an error that
// matches [io.ErrUnexpectedEOF], and there is never more.
func (r *tarReader) Read(p []byte) (n int, err error) {
	switch {
	case r.closed:
		return 0, errClosed
	case len(p) == 0:
		return 0, nil
	}
	if err := context.Cause(r.ctx); err != nil {
		return 0, err
	}
	if r.at >= r.size {
		return 0, r.atEnd()
	}
	p = p[:min(int64(len(p)), r.size-r.at)]
	if r.stream == nil || r.at != r.past {
		if err := r.move(); err != nil {
			return 0, err
		}
	}
	if r.stream != nil {
		n, err = r.stream.Read(p)
		r.past += int64(n)
	} else {
		n, err = r.index.ReadAt(p, r.at)
	}
	r.at += int64(n)
	switch {
	case errors.Is(err, io.EOF) && r.at < r.size:
		err = r.short(r.at)
	case errors.Is(err, io.EOF) && n > 0:
		err = nil
	}
	return n, r.name(err)
}

// name says of an error which layer it is about, unless it says so itself.
func (r *tarReader) name(err error) error {
	if se := (*cstor.StoreError)(nil); err == nil || errors.Is(err, io.EOF) || errors.As(err, &se) {
		return err
	}
	return failed(r.layer, err)
}

// atEnd asks the stream whether it ends there too: a recipe that gives more is an error.
func (r *tarReader) atEnd() error {
	if r.stream == nil || r.at != r.past || r.at != r.size {
		return io.EOF
	}
	n, err := r.stream.Read(make([]byte, 1))
	if n > 0 {
		err = failed(r.layer, fmt.Errorf("more than the %d bytes that were recorded", r.size))
	}
	return r.name(err)
}

// Seek implements [io.Seeker]. It fails only for wrong arguments and after Close.
func (r *tarReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.size
	default:
		offset = -1
	}
	switch {
	case r.closed:
		return 0, errClosed
	case offset < 0:
		return 0, failed(r.layer, fmt.Errorf("seek: %w", fs.ErrInvalid))
	}
	r.at = offset
	return offset, nil
}

// move gets where the next Read begins, by the index. A layer that has no recipe, being
// kept as a blob in an additional layer store, is read from its beginning again.
func (r *tarReader) move() error {
	err := r.makeIndex()
	if !errors.Is(err, cstor.ErrNoTar) {
		return err
	}
	if r.at < r.past || r.stream == nil {
		stream, err := r.layer.Tar(r.ctx, cstor.TarOptions{})
		if err != nil {
			return err
		}
		r.endStream()
		r.stream, r.past = stream, 0
	}
	n, err := io.CopyN(io.Discard, struct{ io.Reader }{r.stream}, r.at-r.past)
	r.past += n
	if errors.Is(err, io.EOF) {
		err = r.short(r.past)
	}
	return r.name(err)
}

func (r *tarReader) makeIndex() error {
	if r.index != nil {
		return nil
	}
	index, err := r.layer.TarAt(r.ctx, cstor.TarOptions{})
	if err != nil {
		return err
	}
	if index.Size() != r.size {
		_ = index.Close() // was only read
		return failed(r.layer, fmt.Errorf("%d bytes, and %d were recorded", index.Size(), r.size))
	}
	r.index = index
	r.endStream()
	return nil
}

func (r *tarReader) short(size int64) error {
	return failed(r.layer, fmt.Errorf("%d bytes, and %d were recorded: %w", size, r.size, io.ErrUnexpectedEOF))
}

func (r *tarReader) endStream() {
	if r.stream != nil {
		_ = r.stream.Close() // was only read
		r.stream = nil
	}
}

// Close implements [io.Closer].
func (r *tarReader) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	r.endStream()
	if r.index != nil {
		_ = r.index.Close() // was only read
	}
	return nil
}
