package tarsplit

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"hash/crc64"

	"github.com/opencontainers/go-digest"
)

// sum is what the content of a file must hash to: a CRC-64, a SHA-256, or, if it is the
// zero value, anything.
type sum struct {
	known bool
	crc   uint64        // if sha is empty
	sha   digest.Digest // valid
}

var crcTable = crc64.MakeTable(crc64.ISO)

// check holds the whole content against the sum.
func (s sum) check(content []byte) error {
	switch {
	case !s.known:
		return nil
	case s.sha != "":
		return s.compareSHA(sha256.Sum256(content))
	}
	return s.compareCRC(crc64.Checksum(content, crcTable))
}

func (s sum) compareCRC(got uint64) error {
	if s.crc == got {
		return nil
	}
	return fmt.Errorf("%w: recorded %016x, read %016x", ErrCRC, s.crc, got)
}

func (s sum) compareSHA(got [sha256.Size]byte) error {
	read := digest.NewDigestFromBytes(digest.SHA256, got[:])
	if s.sha == read {
		return nil
	}
	return fmt.Errorf("%w: recorded %s, read %s", ErrDigest, s.sha, read)
}

// verifier holds content that comes in pieces against its sum, one file at a time.
type verifier struct {
	want sum
	pos  int64 // in the file
	crc  uint64
	sha  hash.Hash // nil until the first file that needs it
}

func (v *verifier) begin(want sum) {
	v.want, v.pos, v.crc = want, 0, 0
	if want.sha == "" {
		return
	}
	if v.sha == nil {
		v.sha = sha256.New()
	}
	v.sha.Reset()
}

// forget the file: part of it was not seen.
func (v *verifier) forget() { v.begin(sum{}) }

// write takes what the file has from the offset from on. What lies between that and
// what came before is a hole, which only a CRC-64 can be of.
func (v *verifier) write(p []byte, from int64) {
	switch {
	case !v.want.known:
	case v.want.sha != "":
		v.sha.Write(p)
	default:
		v.crc = crc64.Update(addZeros(v.crc, from-v.pos), crcTable, p)
	}
	v.pos = from + int64(len(p))
}

// end is about all that was written since begin, of a file of length bytes.
func (v *verifier) end(length int64) error {
	switch {
	case !v.want.known:
		return nil
	case v.want.sha != "":
		return v.want.compareSHA([sha256.Size]byte(v.sha.Sum(nil)))
	}
	return v.want.compareCRC(addZeros(v.crc, length-v.pos))
}
