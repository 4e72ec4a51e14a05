package cstor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/cstor-go/cstor/internal/ondisk"
)

// Image is a stored image. It belongs to one snapshot, never changes, and is safe
// for concurrent use. Its slices and maps must not be written to.
type Image struct {
	snap  *snapshot
	place *place
	rec   *ondisk.Image
	// asked is the digest of the manifest by which the image was looked up; empty
	// for its present one.
	asked digest.Digest
	// others are the records of the same id in later stores. What this one lacks may
	// be there: podman 4 tags an image of a read-only store by a bare record in the
	// primary one (container-libs storage/store.go:ImageBigData asks all stores).
	others []*Image
}

// ID is the image's id: the hexadecimal digest of its configuration, as a rule.
func (i *Image) ID() string { return i.rec.ID }

// Names are all names, fully qualified, newest first; none if another image took
// them.
func (i *Image) Names() []string { return i.rec.Names }

// NamesHistory are names that the image once had, newest first. They find nothing.
func (i *Image) NamesHistory() []string { return i.rec.NamesHistory }

// Digest is the digest of the manifest by which the image was looked up, else of
// the one it was last pulled with, else the one that its record was made with, which an
// incomplete image may have too; empty if there is none.
func (i *Image) Digest() digest.Digest {
	if i.asked != "" {
		return i.asked
	}
	if with := i.with(manifestKey); with != nil && with.rec.Digests[manifestKey] != "" {
		return with.rec.Digests[manifestKey]
	}
	return i.rec.Digest
}

// Digests are all manifest digests that the image answers to, [Image.Digest]
// first, then the others sorted: that of its record, and those of all manifests
// and lists kept with it (container-libs storage/images.go:recomputeDigests).
func (i *Image) Digests() []digest.Digest {
	var all []digest.Digest
	for _, record := range append([]*Image{i}, i.others...) {
		if record.rec.Digest != "" {
			all = append(all, record.rec.Digest)
		}
		for key, d := range record.rec.BigData.Digests {
			if strings.HasPrefix(key, manifestKey) && d != "" {
				all = append(all, d)
			}
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	if at := slices.Index(all, i.Digest()); at > 0 {
		all = slices.Insert(slices.Delete(all, at, at+1), 0, i.Digest())
	}
	return all
}

// Created is when the image was made, according to its record.
func (i *Image) Created() time.Time { return i.rec.Created }

// TopLayerID is the id of the uppermost layer; empty in an image without layers.
func (i *Image) TopLayerID() string { return i.rec.TopLayer }

// MappedLayerIDs are the ids of copies of the top layer made for containers with
// other id maps.
func (i *Image) MappedLayerIDs() []string { return i.rec.MappedTopLayers }

// Metadata is a JSON text of the writer's own.
func (i *Image) Metadata() string { return i.rec.Metadata }

// Store is the root of the store that the image lies in, and its role.
func (i *Image) Store() (root string, role Role) { return i.place.path, i.place.role }

// BigDataNames are the keys of the items kept with the image, according to its record in
// the store that it was found in. Like [Image.BigDataSize] and [Image.BigDataDigest] it
// leaves out what records of the same image in later stores have, which [Image.BigData]
// finds.
func (i *Image) BigDataNames() []string { return i.rec.Keys }

// BigDataSize is the recorded size in bytes of an item, false if none is recorded.
func (i *Image) BigDataSize(key string) (int64, bool) {
	n, ok := i.rec.Sizes[key]
	return n, ok
}

// BigDataDigest is the recorded digest of an item, empty if none is.
func (i *Image) BigDataDigest(key string) digest.Digest { return i.rec.BigData.Digests[key] }

// maxBigData is how large in bytes an item of an image may be that is handed out as
// it is. Signatures and attachments are small.
const maxBigData = 64 << 20

// maxManifest is how large in bytes a manifest or a configuration may be: as large as
// the reference takes them from a registry (container-libs
// image/internal/iolimits/iolimits.go:MaxManifestBodySize, MaxConfigBodySize). Parsed,
// a hostile one takes up to a hundred times as much memory.
const maxManifest = 4 << 20

// BigData reads an item. Its content is not checked: [Image.Manifest] and
// [Image.Config] check theirs. A key that the image does not have gives an error
// that matches [ErrNotFound].
func (i *Image) BigData(key string) ([]byte, error) {
	with := i.with(key)
	if with == nil {
		return nil, i.fail(fmt.Errorf("big data %q: %w", key, ErrNotFound))
	}
	b, err := with.place.bigData("images", i.rec.ID, key, maxBigData)
	return b, i.fail(err)
}

// with returns the record that has an item: this one, or that of a later store.
func (i *Image) with(key string) *Image {
	if slices.Contains(i.rec.Keys, key) {
		return i
	}
	for _, other := range i.others {
		if slices.Contains(other.rec.Keys, key) {
			return other
		}
	}
	return nil
}

// Layers are the image's layers, base first. A layer that is not there, or a stack
// that has no end, is an error that matches [ErrDamaged].
func (i *Image) Layers() ([]*Layer, error) {
	if i.rec.TopLayer == "" {
		return nil, nil
	}
	top, err := i.snap.layer(i.rec.TopLayer)
	if err != nil {
		return nil, i.fail(err)
	}
	chain, err := top.Chain()
	return chain, i.fail(err)
}

// Size is the sum in bytes of the image's layers, uncompressed, those made for
// other id maps included, and of its big data, as podman counts it (container-libs
// storage/store.go:ImageSize). Of layers whose tar was never seen, the sizes of their
// files count; if they cannot be looked at, that is an error. Recorded sizes that are
// negative count for nothing, and a sum that would be too large is [math.MaxInt64].
func (i *Image) Size() (int64, error) {
	var total int64
	for _, n := range i.rec.Sizes {
		total = addSize(total, n)
	}
	layers, err := i.Layers()
	if err != nil {
		return 0, err
	}
	for _, id := range i.rec.MappedTopLayers {
		if l, err := i.snap.layer(id); err == nil {
			layers = append(layers, l)
		}
	}
	for _, l := range layers {
		n, err := l.size()
		if err != nil {
			return 0, i.fail(err)
		}
		total = addSize(total, n)
	}
	return total, nil
}

func (i *Image) fail(err error) error { return i.place.fail("image "+i.rec.ID, err) }
