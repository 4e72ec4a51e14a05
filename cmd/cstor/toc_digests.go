package main

import (
	"encoding/hex"
	"errors"
	"path"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/toc"
)

// digests are SHA-256 sums by place: a third of the memory of what they are in text.
type digests map[string][32]byte

// of returns the digest of the file that a tar calls name, empty if it is not known.
func (d digests) of(name string) digest.Digest {
	sum, ok := d[place(name)]
	if !ok {
		return ""
	}
	return digest.NewDigestFromEncoded(digest.SHA256, hex.EncodeToString(sum[:]))
}

// knownDigests are those of the table of contents that a layer was pulled by, as far as
// they are wanted.
func (x *contents) knownDigests(l *cstor.Layer, wanted func(place string) bool) (digests, error) {
	if !x.digests {
		return nil, nil
	}
	known := digests{}
	for e, err := range l.TOC() {
		if errors.Is(err, cstor.ErrNotFound) { // most layers have none
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if e.Type != toc.TypeReg || e.Digest.Validate() != nil || e.Digest.Algorithm() != digest.SHA256 {
			continue
		}
		var sum [32]byte
		if name := place(e.Name); wanted(name) {
			_, _ = hex.Decode(sum[:], []byte(e.Digest.Encoded())) // was validated
			known[name] = sum
		}
	}
	return known, nil
}

// place is where a tar's name lies.
func place(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }
