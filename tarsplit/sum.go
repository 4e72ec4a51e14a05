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
	crc  uint64
	sha  hash.Hash // nil until the first file that needs it
}

func (v *verifier) begin(want sum) {
	v.want, v.crc = want, 0
	if want.sha == "" {
		return
	}
	if v.sha == nil {
		v.sha = sha256.New()
	}
	v.sha.Reset()
}

func (v *verifier) write(p []byte) {
	switch {
	case !v.want.known:
	case v.want.sha != "":
		v.sha.Write(p)
	default:
		v.crc = crc64.Update(v.crc, crcTable, p)
	}
}

// end is about all that was written since begin.
func (v *verifier) end() error {
	switch {
	case !v.want.known:
		return nil
	case v.want.sha != "":
		return v.want.compareSHA([sha256.Size]byte(v.sha.Sum(nil)))
	}
	return v.want.compareCRC(v.crc)
}
