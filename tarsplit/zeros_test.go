package tarsplit

import (
	"hash/crc64"
	"math"
	"testing"
)

func TestAddZeros(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "x", "content", "\x00", "\xff\xff\xff\xff\xff\xff\xff\xff"} {
		start := crc64.Checksum([]byte(text), crcTable)
		for _, n := range []int64{0, 1, 2, 3, 7, 8, 255, 256, 1000, 65537, 1<<20 + 5} {
			if got, want := addZeros(start, n), crc64.Update(start, crcTable, make([]byte, n)); got != want {
				t.Errorf("%q and %d zeros: %x, want %x", text, n, got, want)
			}
		}
		const much = math.MaxInt64/2 + 12345
		if got, want := addZeros(addZeros(start, much), math.MaxInt64-much), addZeros(start, math.MaxInt64); got != want {
			t.Errorf("%q: in two steps %x, in one %x", text, got, want)
		}
	}
}
