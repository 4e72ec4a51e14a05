package ondisk

import (
	"time"

	"github.com/opencontainers/go-digest"
)

// Image is one record of images.json (container-libs storage/images.go:Image).
type Image struct {
	ID string
	// Digest was set when the record was made and is never updated: it may be that
	// of a list, or of an earlier manifest of the same image.
	Digest digest.Digest
	// Names are fully qualified, newest first.
	Names []string
	// NamesHistory is never consulted for lookups.
	NamesHistory []string
	// TopLayer is the id of the uppermost layer; empty in an image without layers.
	TopLayer string
	// MappedTopLayers are copies of the top layer with shifted owners.
	MappedTopLayers []string
	// Metadata is a JSON text of containers/image's own.
	Metadata string
	Created  time.Time
	// Flags are opaque.
	Flags map[string]any
	BigData
}

// BigData lists the items that lie beside a record, each in a file of its own
// (see [BigDataFile]).
type BigData struct {
	// Keys name the items.
	Keys []string
	// Sizes are in bytes.
	Sizes map[string]int64
	// Digests of keys that begin with "manifest" follow the rules for manifests
	// (schema 1: without its signatures), others are over the bytes.
	Digests map[string]digest.Digest
}
