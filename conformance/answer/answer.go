package answer

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Store is everything that is asked of a store but the layers' tars and the lookups.
type Store struct {
	Images     map[string]Image
	Layers     map[string]Layer
	Containers map[string]Container
}

// Image is one image, by its record.
type Image struct {
	Names    []string // in the record's order
	Digests  []string // all that the image answers to, sorted
	TopLayer string
	Mapped   []string // mapped copies of the top layer
	History  []string
	Metadata string
	Created  time.Time
	BigData  map[string]Item
}

// Layer is one layer, by its record.
type Layer struct {
	Parent           string
	Names            []string
	Created          time.Time
	DiffID           string
	DiffSize         int64
	CompressedDigest string
	CompressedSize   int64
	TOCDigest        string
	Compression      string // "none", "gzip", …
	ExpectedDiffID   string // the flag of that name
	UIDMap, GIDMap   []IDMap
	BigData          map[string]Item
}

// Container is one container, by its record.
type Container struct {
	Names          []string
	Image, Layer   string
	Metadata       string
	Created        time.Time
	UIDMap, GIDMap []IDMap
	BigData        []string // keys only
}

// IDMap is one line of an id map.
type IDMap struct{ Container, Host, Size int }

// Item is one item of big data.
type Item struct {
	Size    int64  // as recorded; of the bytes for layers, which record none
	Digest  string // as recorded; "" for layers, which record none
	Content string // SHA-256 of the bytes, or "unreadable"
}

// Tar is the tar of a layer.
type Tar struct {
	Size   int64
	Digest string
	Err    error // set when the tar could not be had; Size and Digest then mean nothing
}

// Content is what an image consists of, each "" when it cannot be had.
type Content struct {
	Manifest  string // SHA-256 of the bytes
	MediaType string
	Config    string   // SHA-256 of the bytes
	DiffIDs   []string // of its configuration
	Size      int64    // as podman counts, -1 when it cannot be told
}

// Lookup is what a reference to an image leads to: one image, several, or none.
type Lookup struct {
	ID         string
	Candidates []string // as cstor words them; only of several
}

// sum returns the SHA-256 of b in hex. The two libraries word their errors differently, so any error is "unreadable".
func sum(b []byte, err error) string {
	if err != nil {
		return "unreadable"
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// converted returns f of each element, nil for an empty slice.
func converted[T, U any](in []T, f func(T) U) []U {
	if len(in) == 0 {
		return nil
	}
	out := make([]U, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}

// none returns s, nil when it is empty, so that absent and empty lists compare equal.
func none[T any](s []T) []T { return converted(s, func(v T) T { return v }) }
