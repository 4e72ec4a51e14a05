package ondisk

import (
	"time"

	"github.com/opencontainers/go-digest"
)

// Layer is one record of layers.json or volatile-layers.json
// (container-libs storage/layers.go:Layer).
type Layer struct {
	// ID is the layer's identity and the name of its directory. 64 hexadecimal
	// digits in practice, but any single file name is legal.
	ID string
	// Names are rare: podman names a container's layer, images' layers have none.
	Names []string
	// Parent is the id of the layer below; empty in a base layer. It may live in
	// another store of the same configuration.
	Parent string
	// Metadata is opaque to the storage.
	Metadata string
	// MountLabel is an SELinux label, empty if there is none.
	MountLabel string
	// Created may be the zero time.
	Created time.Time

	// CompressedDigest and CompressedSize (bytes) describe the blob as it was
	// pulled; the blob itself is not kept. Empty and 0 if unknown.
	CompressedDigest digest.Digest
	CompressedSize   int64
	// DiffDigest is the digest of the uncompressed layer tar: the diff id. Absent
	// in layers of containers and in some that were pulled in parts.
	DiffDigest digest.Digest
	// DiffSize is the length in bytes of the uncompressed tar; -1 if unknown.
	DiffSize int64
	// TOCDigest is set for layers pulled in parts, trusted by their table of
	// contents; DiffDigest may be present as well.
	TOCDigest digest.Digest
	// Compression of the blob as pulled: 0 none, 1 bzip2, 2 gzip, 3 xz, 4 zstd
	// (container-libs storage/pkg/archive/archive.go:Compression).
	Compression int64

	// Flags holds "incomplete" (bool), true while a layer is being made or
	// deleted, and "expected-layer-diffid" (string).
	Flags map[string]any
	// UIDMap and GIDMap say that the owners on disk are shifted. Containers'
	// layers may record them although nothing on disk is shifted, or not record
	// them although it is.
	UIDMap []IDMap
	GIDMap []IDMap
	// BigDataNames are the keys of the layer's big data.
	BigDataNames []string
}

// IDMap is one range of a user or group id map
// (container-libs storage/pkg/idtools/idtools.go:IDMap).
type IDMap struct {
	ContainerID int `json:"container_id"`
	HostID      int `json:"host_id"`
	Size        int `json:"size"`
}

// Incomplete reports whether the layer is still being made, or half deleted.
// Readers treat such a layer as absent.
func (l *Layer) Incomplete() bool {
	b, _ := l.Flags["incomplete"].(bool)
	return b
}

// ExpectedDiffID is the diff id that an image's configuration claims for a layer
// that was trusted by its table of contents; nobody has verified it. Empty if
// the record has none.
func (l *Layer) ExpectedDiffID() digest.Digest {
	s, _ := l.Flags["expected-layer-diffid"].(string)
	return digest.Digest(s)
}
