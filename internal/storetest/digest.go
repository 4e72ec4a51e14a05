package storetest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf8"
)

func hexOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Digest is the digest string of data, "sha256:…".
func Digest(data []byte) string { return "sha256:" + hexOf(data) }

// bare is the hexadecimal part of a digest string.
func bare(digest string) string { return strings.TrimPrefix(digest, "sha256:") }

// BigDataName is the file name of the big data item key: key itself where every
// rune is one of [0-9a-z.], else "=" and base64. As in the original, a rune that
// is the last one is not checked (container-libs
// storage/store.go:makeBigDataBaseName).
func BigDataName(key string) string {
	plain := func(r rune) bool { return r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' }
	for i := 0; i < len(key); {
		r, size := utf8.DecodeRuneInString(key[i:])
		i += size
		if i < len(key) && (size != 1 || !plain(r)) {
			return "=" + base64.StdEncoding.EncodeToString([]byte(key))
		}
	}
	return key
}

// token is a last-writer token, the content of a lock file: time, counter and
// process id in little-endian order, the rest random (container-libs
// storage/pkg/lockfile/lastwrite.go:newLastWrite).
func token(name string, t time.Time, counter uint64) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(t.UnixNano()))
	b = binary.LittleEndian.AppendUint64(b, counter)
	b = binary.LittleEndian.AppendUint32(b, 1)
	more := sha256.Sum256([]byte(name))
	b = append(b, more[:]...)
	return append(b, more[:64-len(b)]...)
}
