package ocisource

import (
	"cmp"
	"context"
	"io"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"
	"github.com/klauspost/pgzip"
	"github.com/opencontainers/go-digest"
)

// compressor compresses what is written to it into w, and takes the digest and the length
// of what comes out.
type compressor struct {
	io.WriteCloser
	w       io.Writer
	sum     digest.Digester
	size    int64 // bytes that came out
	dropped atomic.Bool
}

// newCompressor takes the libraries, block sizes and usual levels of containers/image
// (image/pkg/compression/compression.go:gzipCompressor, zstd.go:zstdWriter), so that the
// same layer becomes the same blob of gzip. Of zstd it is almost as large: see frameSize.
func (s *Source) newCompressor(ctx context.Context, w io.Writer) (*compressor, error) {
	c := &compressor{w: w, sum: digest.SHA256.Digester()}
	if s.opts.Compression == Gzip {
		z, err := pgzip.NewWriterLevel(counted{c}, cmp.Or(s.opts.Level, pgzip.DefaultCompression))
		c.WriteCloser = gzipWriter{z}
		return c, err
	}
	c.WriteCloser = newFrames(ctx, counted{c}, zstd.EncoderLevelFromZstd(cmp.Or(s.opts.Level, 3)), s.room)
	return c, nil
}

// gzipWriter is one that leaves no goroutine behind.
type gzipWriter struct{ *pgzip.Writer }

// Close ends the stream. That of the library returns at once if a write has failed, and
// the goroutine that writes would wait for more until the end of the program; Reset ends it.
func (g gzipWriter) Close() error {
	err := g.Writer.Close()
	if err != nil {
		g.Reset(io.Discard)
	}
	return err
}

// close ends the stream if what was compressed is whole; else it only ends the goroutines.
func (c *compressor) close(err error) error {
	if err != nil {
		c.dropped.Store(true)
	}
	return c.Close()
}

// counted is the side of a compressor that its library writes to.
type counted struct{ c *compressor }

func (o counted) Write(p []byte) (int, error) {
	if o.c.dropped.Load() {
		return len(p), nil
	}
	n, err := o.c.w.Write(p)
	o.c.sum.Hash().Write(p[:n]) // never fails
	o.c.size += int64(n)
	return n, err
}
