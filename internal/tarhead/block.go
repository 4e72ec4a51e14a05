package tarhead

import (
	"bytes"
	"encoding/binary"
)

// BlockSize is the length in bytes of a header, and what content is padded to.
const BlockSize = 512

// The checksum's field within a block (POSIX ustar: chksum).
const sumStart, sumEnd = 148, 156

// ValidChecksum holds a block of BlockSize bytes against its checksum: the sum of
// all bytes, the field itself counted as blanks. Some writers summed signed bytes.
func ValidChecksum(block []byte) bool {
	want, ok := octal(block[sumStart:sumEnd])
	if !ok {
		return false
	}
	// Four sums side by side: each takes 2 bytes from 64 words, at most 32640.
	const lanes = 0x00ff00ff00ff00ff
	var sums uint64
	for i := 0; i < BlockSize; i += 8 {
		word := binary.LittleEndian.Uint64(block[i:])
		sums += word&lanes + word>>8&lanes
	}
	sum := int64(sums&0xffff + sums>>16&0xffff + sums>>32&0xffff + sums>>48)
	for _, c := range block[sumStart:sumEnd] {
		sum += ' ' - int64(c)
	}
	return want == sum || want == sum-signed(block)
}

// signed is by how much the sum shrinks when bytes are signed.
func signed(block []byte) (less int64) {
	for i, c := range block[:BlockSize] {
		if c >= 0x80 && (i < sumStart || i >= sumEnd) {
			less += 256
		}
	}
	return less
}

// HeaderOnly reports whether an entry has no content in the tar, whatever size its
// header states: links, devices, directories and FIFOs; in the oldest form, type
// 0, a directory is told by its name (vbatts/tar-split archive/tar/reader.go:next,
// common.go:isHeaderOnlyType). The name is that after extensions.
func HeaderOnly(typeflag byte, name string) bool {
	switch typeflag {
	case '1', '2', '3', '4', '5', '6':
		return true
	case 0:
		return len(name) > 0 && name[len(name)-1] == '/'
	}
	return false
}

// Text cuts a field at its first NUL; it may lack one.
func Text(field []byte) []byte {
	before, _, _ := bytes.Cut(field, zeros[:1])
	return before
}

// Number reads a field of 1 to 12 bytes: octal digits, or, if the first bit is
// set, the other bits as a big-endian two's complement (GNU's base-256).
func Number(field []byte) (int64, bool) {
	if field[0]&0x80 == 0 {
		return octal(field)
	}
	var flip byte // turns a negative n into ^n
	if field[0]&0x40 != 0 {
		flip = 0xff
	}
	var x uint64
	for i, c := range field {
		if c ^= flip; i == 0 {
			c &= 0x7f
		}
		if x>>55 > 0 { // the next byte would reach the sign
			return 0, false
		}
		x = x<<8 | uint64(c)
	}
	if flip != 0 {
		return ^int64(x), true
	}
	return int64(x), true
}

// octal reads digits between blanks and NULs; no digit is 0.
func octal(field []byte) (int64, bool) {
	for len(field) > 0 && (field[0] == ' ' || field[0] == 0) {
		field = field[1:]
	}
	for len(field) > 0 && (field[len(field)-1] == ' ' || field[len(field)-1] == 0) {
		field = field[:len(field)-1]
	}
	var n int64 // of at most 12 digits, 36 bits
	for _, c := range Text(field) {
		if c < '0' || c > '7' {
			return 0, false
		}
		n = n<<3 | int64(c-'0')
	}
	return n, true
}
