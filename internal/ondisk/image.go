package ondisk

import (
	"time"

	"github.com/opencontainers/go-digest"
)

// Image is one record of images.json (container-libs storage/images.go:Image).
type Image struct {
	ID string `json:"id"`
	// Digest was set when the record was made and is never updated: it may be that
	// of a list, or of an earlier manifest of the same image.
	Digest digest.Digest `json:"digest"`
	// Names are fully qualified, newest first.
	Names []string `json:"names"`
	// NamesHistory is never consulted for lookups.
	NamesHistory []string `json:"names-history"`
	// TopLayer is the id of the uppermost layer; empty in an image without layers.
	TopLayer string `json:"layer"`
	// MappedTopLayers are copies of the top layer with shifted owners.
	MappedTopLayers []string `json:"mapped-layers"`
	// Metadata is a JSON text of containers/image's own.
	Metadata string    `json:"metadata"`
	Created  time.Time `json:"created"`
	// Flags are opaque.
	Flags map[string]any `json:"flags"`
	BigData
}

// BigData lists the items that lie beside a record, each in a file of its own
// (see [BigDataFile]).
type BigData struct {
	// Keys name the items.
	Keys []string `json:"big-data-names"`
	// Sizes are in bytes.
	Sizes map[string]int64 `json:"big-data-sizes"`
	// Digests of keys that begin with "manifest" follow the rules for manifests
	// (schema 1: without its signatures), others are over the bytes.
	Digests map[string]digest.Digest `json:"big-data-digests"`
}
