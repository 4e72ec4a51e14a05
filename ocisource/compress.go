package ocisource

import (
	"cmp"
	"io"
	"runtime"

	"github.com/klauspost/compress/zstd"
	"github.com/klauspost/pgzip"
	"github.com/opencontainers/go-digest"
)

// compressor compresses what is written to it into w, and takes the digest and the length
// of what comes out.
type compressor struct {
	io.WriteCloser
	w    io.Writer
	sum  digest.Digester
	size int64 // bytes that came out
}

// newCompressor takes the libraries, block sizes and usual levels of containers/image
// (pkg/compression/compression.go:gzipCompressor, zstd.go:zstdWriter), so that the same
// layer becomes the same blob.
func newCompressor(w io.Writer, opts Options) (*compressor, error) {
	c := &compressor{w: w, sum: digest.SHA256.Digester()}
	var err error
	if opts.Compression == Gzip {
		c.WriteCloser, err = pgzip.NewWriterLevel(counted{c}, cmp.Or(opts.Level, pgzip.DefaultCompression))
	} else {
		c.WriteCloser, err = zstd.NewWriter(counted{c},
			zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(cmp.Or(opts.Level, 3))),
			zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)))
	}
	return c, err
}

// close ends the stream if what was compressed is whole; else it only ends the goroutines.
func (c *compressor) close(err error) error {
	if err != nil {
		c.w = io.Discard
	}
	return c.Close()
}

// counted is the side of a compressor that its library writes to.
type counted struct{ c *compressor }

func (o counted) Write(p []byte) (int, error) {
	n, err := o.c.w.Write(p)
	o.c.sum.Hash().Write(p[:n]) // never fails
	o.c.size += int64(n)
	return n, err
}
