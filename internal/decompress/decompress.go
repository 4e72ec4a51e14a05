// Package decompress reads blobs, however they are compressed.
//
// The form is told by the first bytes, as the storage library does (container-libs
// storage/pkg/archive/archive.go:DetectCompression), not by what a record says. What
// begins like none of the known forms is taken as it is.
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

// Errors come wrapped.
var (
	// ErrUnsupported: the blob is compressed in a form that is known and not read.
	ErrUnsupported = fmt.Errorf("compression: %w", errors.ErrUnsupported)
	// ErrWindow: a zstd frame wants more memory than MaxWindow.
	ErrWindow = zstd.ErrWindowSizeExceeded
)

// MaxWindow is how far back a zstd stream may refer, in bytes, and so how much memory
// reading one takes: as much as the program zstd allows by default. Layers are written
// with 8 MiB at most.
const MaxWindow = 128 << 20

const bufferSize = 256 << 10

// magicSize is how many bytes tell a form.
const magicSize = 10

// forms by their first bytes, in which a "?" stands for any byte: RFC 1952; RFC 8878,
// 3.1.1; bzip2 with the magic of its first block, since a tar may begin with a name like
// BZh; the xz file format.
var forms = []struct {
	name, magic string
	open        func(io.Reader) (io.Reader, error)
}{
	{"gzip", "\x1f\x8b\x08", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(bufio.NewReaderSize(r, bufferSize)) }},
	{"zstd", "\x28\xb5\x2f\xfd", openZstd},
	{"bzip2", "BZh?1AY&SY", func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(bufio.NewReaderSize(r, bufferSize)), nil }},
	{"xz", "\xfd7zXZ\x00", nil},
}

// NewReader returns what r holds, uncompressed, and the name of the compression:
// "none", "gzip", "zstd", "bzip2" or "xz", the last with an error that matches
// [ErrUnsupported]. Several members or frames are read as one. Nothing has to be closed;
// all is done in the caller's goroutine. What is not compressed is r itself, if that can
// go back to where it was.
func NewReader(r io.Reader) (plain io.Reader, compression string, err error) {
	magic := make([]byte, magicSize)
	n, err := io.ReadFull(r, magic)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, "", err
	}
	magic = magic[:n]
	whole := io.MultiReader(bytes.NewReader(magic), r)
	for _, f := range forms {
		switch {
		case !begins(magic, f.magic) && (f.name != "zstd" || !isSkippable(magic)):
			continue
		case f.open == nil:
			return nil, f.name, fmt.Errorf("%s %w", f.name, ErrUnsupported)
		}
		if plain, err = f.open(whole); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, f.name, fmt.Errorf("%s: %w", f.name, err)
		}
		return plain, f.name, nil
	}
	if s, ok := r.(io.Seeker); ok {
		if _, err := s.Seek(-int64(n), io.SeekCurrent); err == nil {
			whole = r
		}
	}
	return whole, "none", nil
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

// isSkippable reports the magic of a skippable frame, with which a zstd stream may begin
// too: 0x184D2A50 to 0x184D2A5F (RFC 8878, 3.1.2).
func isSkippable(head []byte) bool {
	return len(head) >= 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte("\x2a\x4d\x18"))
}

// openZstd opens a decoder without goroutines, which need not be closed.
func openZstd(r io.Reader) (io.Reader, error) {
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(MaxWindow), zstd.WithDecodeBuffersBelow(0))
}
