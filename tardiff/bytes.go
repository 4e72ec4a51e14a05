package tardiff

import (
	"encoding/binary"
	"strconv"

	"github.com/cstor-go/cstor/internal/tarhead"
)

const blockSize = tarhead.BlockSize

var zeros [blockSize]byte

// firstDifference is the index of the first byte that differs, or the shorter length.
func firstDifference[A, B []byte | string](a A, b B) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// upToDifference is firstDifference for long runs.
func upToDifference(a, b []byte) int {
	n := min(len(a), len(b))
	i := 0
	for i+8 <= n && binary.LittleEndian.Uint64(a[i:]) == binary.LittleEndian.Uint64(b[i:]) {
		i += 8
	}
	return i + firstDifference(a[i:n], b[i:n])
}

// number reads a numeric field as package tarhead does: octal digits between blanks
// and NULs, or GNU's base-256, a big-endian two's complement behind a first bit that is
// set. The field has at least one byte.
func number(field []byte) (int64, bool) {
	if field[0]&0x80 != 0 {
		return base256(field)
	}
	for len(field) > 0 && (field[0] == ' ' || field[0] == 0) {
		field = field[1:]
	}
	for len(field) > 0 && (field[len(field)-1] == ' ' || field[len(field)-1] == 0) {
		field = field[:len(field)-1]
	}
	digits := text(field)
	if digits == "" {
		return 0, true
	}
	n, err := strconv.ParseUint(digits, 8, 63)
	return int64(n), err == nil
}

func base256(field []byte) (int64, bool) {
	negative := field[0]&0x40 != 0
	first := field[0] & 0x7f
	if negative {
		first |= 0x80
	}
	n := int64(int8(first))
	for _, c := range field[1:] {
		if n>>55 != 0 && n>>55 != -1 { // the next byte would reach the sign
			return 0, false
		}
		n = n<<8 | int64(c)
	}
	return n, true
}

// text cuts a field at its first NUL; it may lack one.
func text(field []byte) string {
	for i, c := range field {
		if c == 0 {
			return string(field[:i])
		}
	}
	return string(field)
}
