package tarsplit

import "github.com/cstor-go/cstor/internal/tarhead"

const (
	blockSize  = tarhead.BlockSize
	typeflagAt = 156 // in a header
)

// tail holds the inline bytes that were seen last: in front of a file, the file's
// header, which the recipe gives no other way than in the run of the tar's bytes.
type tail struct {
	block [blockSize]byte
	n     int64 // inline bytes since the last content of a file
}

func (t *tail) inline(p []byte) {
	t.n += int64(len(p))
	if len(p) >= blockSize {
		copy(t.block[:], p[len(p)-blockSize:])
		return
	}
	copy(t.block[:], t.block[len(p):])
	copy(t.block[blockSize-len(p):], p)
}

func (t *tail) content() { t.n = 0 }

// headerOnly reports whether the block is the header of an entry that has no content
// in the tar, whatever size it states: a link, device, directory or FIFO. Writers
// record the stated size all the same (vbatts/tar-split archive/tar/reader.go:next;
// tar/asm/disassemble.go).
func (t *tail) headerOnly(name string) bool {
	return t.n >= blockSize && tarhead.HeaderOnly(t.block[typeflagAt], name) && tarhead.ValidChecksum(t.block[:])
}
