package tarsplit

import (
	"bytes"
	"strconv"
	"strings"
)

const blockSize = 512 // of a tar

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
// record the stated size all the same (vbatts/tar-split archive/tar/reader.go:next,
// common.go:isHeaderOnlyType; tar/asm/disassemble.go).
func (t *tail) headerOnly(name string) bool {
	if t.n < blockSize || !validChecksum(t.block[:]) {
		return false
	}
	switch flag := t.block[156]; flag { // POSIX ustar: typeflag
	case '1', '2', '3', '4', '5', '6':
		return true
	case 0: // the oldest form, in which a directory is told by its name
		return strings.HasSuffix(name, "/")
	}
	return false
}

// validChecksum holds a block against its chksum field: the sum of all bytes, the
// field itself counted as blanks. Some writers summed signed bytes.
func validChecksum(block []byte) bool {
	field := bytes.Trim(block[148:156], " \x00")
	want, err := strconv.ParseInt(string(field), 8, 64)
	if err != nil {
		return false
	}
	var unsigned, signed int64
	for i, b := range block {
		if i >= 148 && i < 156 {
			b = ' '
		}
		unsigned += int64(b)
		signed += int64(int8(b))
	}
	return want == unsigned || want == signed
}
