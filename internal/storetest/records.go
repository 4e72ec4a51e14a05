package storetest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"
)

// layerRecord is an element of layers.json (container-libs
// storage/layers.go:Layer). The JSON forms are written out here once more, so
// that a mistake in the reader's forms is not repeated by what tests it.
type layerRecord struct {
	ID               string         `json:"id"`
	Names            []string       `json:"names,omitempty"`
	Parent           string         `json:"parent,omitempty"`
	Created          time.Time      `json:"created"`
	CompressedDigest string         `json:"compressed-diff-digest,omitempty"`
	CompressedSize   int64          `json:"compressed-size,omitempty"`
	DiffDigest       string         `json:"diff-digest,omitempty"`
	TOCDigest        string         `json:"toc-digest,omitempty"`
	DiffSize         int64          `json:"diff-size,omitempty"`
	Compression      int            `json:"compression,omitempty"`
	UIDs             []uint32       `json:"uidset,omitempty"`
	GIDs             []uint32       `json:"gidset,omitempty"`
	Flags            map[string]any `json:"flags,omitempty"`
	UIDMap           []idMap        `json:"uidmap,omitempty"`
	GIDMap           []idMap        `json:"gidmap,omitempty"`
	BigDataNames     []string       `json:"big-data-names,omitempty"`
}

type idMap struct {
	ContainerID int `json:"container_id"`
	HostID      int `json:"host_id"`
	Size        int `json:"size"`
}

// imageRecord is an element of images.json (container-libs
// storage/images.go:Image).
type imageRecord struct {
	ID             string            `json:"id"`
	Digest         string            `json:"digest,omitempty"`
	Names          []string          `json:"names,omitempty"`
	NamesHistory   []string          `json:"names-history,omitempty"`
	Layer          string            `json:"layer,omitempty"`
	MappedLayers   []string          `json:"mapped-layers,omitempty"`
	Metadata       string            `json:"metadata,omitempty"`
	BigDataNames   []string          `json:"big-data-names,omitempty"`
	BigDataSizes   map[string]int64  `json:"big-data-sizes,omitempty"`
	BigDataDigests map[string]string `json:"big-data-digests,omitempty"`
	Created        time.Time         `json:"created"`
}

// containerRecord is an element of containers.json (container-libs
// storage/containers.go:Container).
type containerRecord struct {
	ID       string         `json:"id"`
	Names    []string       `json:"names,omitempty"`
	Image    string         `json:"image"`
	Layer    string         `json:"layer"`
	Metadata string         `json:"metadata,omitempty"`
	Created  time.Time      `json:"created"`
	Flags    map[string]any `json:"flags,omitempty"`
}

// writeFile makes the folders above path too.
func writeFile(path string, data []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, mode)
}

// writeJSON writes v; an empty list is written as [] and not as null.
func writeJSON[T any](path string, v []T) error {
	if v == nil {
		v = []T{}
	}
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return writeFile(path, data, 0o600)
}
