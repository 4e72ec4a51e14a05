package tarsplit

import (
	"hash/crc64"
	"sync"
)

// The CRC-64 of zeros, in as many steps as their number has bits. A checksum stands
// for a polynomial over GF(2) modulo that of the CRC, bit 63 for x^0, bit 0 for x^63;
// a byte of zeros multiplies it by x^8.

// shifts are x^8, x^16, x^32, …: of 1, 2, 4 … bytes.
var shifts = sync.OnceValue(func() (all [63]uint64) {
	all[0] = 1 << 55
	for i := range all[1:] {
		all[i+1] = multiply(all[i], all[i])
	}
	return all
})

// multiply polynomials modulo that of crcTable.
func multiply(a, b uint64) (product uint64) {
	for ; a != 0; a <<= 1 {
		if a>>63 != 0 {
			product ^= b
		}
		if b&1 != 0 { // x^63 becomes x^64
			b = b>>1 ^ crc64.ISO
		} else {
			b >>= 1
		}
	}
	return product
}

// addZeros returns the CRC of what has the CRC crc and n bytes of zeros behind it.
func addZeros(crc uint64, n int64) uint64 {
	crc = ^crc // as crc64.Update keeps it
	for _, shift := range shifts() {
		if n&1 != 0 {
			crc = multiply(shift, crc)
		}
		if n >>= 1; n == 0 {
			break
		}
	}
	return ^crc
}
