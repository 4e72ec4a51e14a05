// Package decompress reads layer blobs, however they are compressed.
//
// The form is told by the first bytes, as the storage library does (container-libs
// storage/pkg/archive/archive.go:DetectCompression), not by what a record says. What
// begins like none of the known forms is taken as it is: a tar.
package decompress

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// ErrUnsupported says that the blob is compressed in a form that is known and not
// read.
var ErrUnsupported = errors.New("compression is not supported")

// MaxWindow is how far back a zstd stream may refer, in bytes, and so how much memory
// reading one takes: that of "zstd --long". Layers are written with 8 MiB at most.
const MaxWindow = 128 << 20

// forms are the first bytes of each form: RFC 1952; RFC 8878, 3.1.1; bzip2 with the
// magic of its first block, since a tar may begin with a name like BZh; the xz file
// format. A zstd stream may begin with a skippable frame, whose magic has 16 values.
var forms = []struct {
	name, magic string // a "?" stands for any byte
	open        func(io.Reader) (io.ReadCloser, error)
}{
	{"gzip", "\x1f\x8b\x08", func(r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) }},
	{"zstd", "\x28\xb5\x2f\xfd", openZstd},
	{"bzip2", "BZh?1AY&SY", func(r io.Reader) (io.ReadCloser, error) { return io.NopCloser(bzip2.NewReader(r)), nil }},
	{"xz", "\xfd7zXZ\x00", nil},
}

// NewReader returns what r holds, uncompressed, and the name of the compression:
// "none", "gzip", "zstd", "bzip2" or "xz", the last with an error that matches
// [ErrUnsupported]. Several members or frames are read as one. The caller closes the
// result, which does not close r.
func NewReader(r io.Reader) (plain io.ReadCloser, compression string, err error) {
	b := bufio.NewReaderSize(r, 64<<10)
	head, err := b.Peek(10)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, "", err
	}
	for _, f := range forms {
		switch {
		case !begins(head, f.magic) && (f.name != "zstd" || !isSkippable(head)):
			continue
		case f.open == nil:
			return nil, f.name, fmt.Errorf("%s: %w", f.name, ErrUnsupported)
		}
		plain, err = f.open(b)
		return plain, f.name, err
	}
	return io.NopCloser(b), "none", nil
}

func begins(head []byte, magic string) bool {
	if len(head) < len(magic) {
		return false
	}
	for i := range len(magic) {
		if magic[i] != '?' && magic[i] != head[i] {
			return false
		}
	}
	return true
}

// isSkippable reports the magic of a skippable frame, 0x184D2A50 to 0x184D2A5F (RFC
// 8878, 3.1.2).
func isSkippable(head []byte) bool {
	return len(head) >= 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte("\x2a\x4d\x18"))
}

func openZstd(r io.Reader) (io.ReadCloser, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(MaxWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}
