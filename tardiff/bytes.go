package tardiff

import (
	"encoding/binary"

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

// text cuts a field at its first NUL; it may lack one.
func text(field []byte) string { return string(tarhead.Text(field)) }
