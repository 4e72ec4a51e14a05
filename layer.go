package cstor

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/ondisk"
)

// Layer is a stored layer. It belongs to one snapshot, never changes, and is safe
// for concurrent use. Its slices must not be written to.
type Layer struct {
	snap  *snapshot
	place *place
	rec   *ondisk.Layer

	filesSize kept[int64] // bytes: see size
}

// IDMap is one range of a user or group id map.
type IDMap = ondisk.IDMap

// ID is the layer's id.
func (l *Layer) ID() string { return l.rec.ID }

// String is the layer's id.
func (l *Layer) String() string { return l.rec.ID }

// ParentID is the id of the layer below; empty in a base layer.
func (l *Layer) ParentID() string { return l.rec.Parent }

// Names are rare: podman gives one to the layer of a container.
func (l *Layer) Names() []string { return l.rec.Names }

// Created is when the layer was put into the store.
func (l *Layer) Created() time.Time { return l.rec.Created }

// DiffID is the digest of the layer's uncompressed tar, as the store recorded it
// when it unpacked that tar; empty in layers of containers and in some that were
// pulled in parts.
func (l *Layer) DiffID() digest.Digest { return l.rec.DiffDigest }

// ExpectedDiffID is what an image's configuration claims the diff id to be, in a
// layer that was pulled in parts and trusted by its table of contents. Nobody has
// verified it. Mostly empty.
func (l *Layer) ExpectedDiffID() digest.Digest { return l.rec.ExpectedDiffID() }

// DiffSize is the length in bytes of the uncompressed tar; -1 if it is not known.
func (l *Layer) DiffSize() int64 {
	if l.rec.DiffDigest == "" && l.rec.DiffSize == 0 {
		return -1
	}
	return l.rec.DiffSize
}

// size is DiffSize, or, if that is not known, the size of the layer's files, which are
// looked at once.
func (l *Layer) size() (int64, error) {
	if l.rec.DiffDigest != "" && l.rec.DiffSize >= 0 {
		return l.rec.DiffSize, nil
	}
	return l.filesSize.get(l.measure)
}

// measure sums up the sizes of the layer's files.
func (l *Layer) measure() (total int64, err error) {
	for e, err := range l.madeEntries(context.Background()) {
		if err != nil {
			return 0, l.fail(err)
		}
		n := e.Size
		if e.Type == typeSymlink {
			n = int64(len(e.Linkname))
		}
		total = addSize(total, n)
	}
	return total, nil
}

// addSize adds a size in bytes, which somebody may have made up: a negative one counts for
// nothing, and sums end at the largest number.
func addSize(total, n int64) int64 {
	return total + min(max(n, 0), math.MaxInt64-total)
}

// CompressedDigest is the digest of the blob that was pulled, which the store did
// not keep; empty if not known. In a layer that was made here it is the diff id.
func (l *Layer) CompressedDigest() digest.Digest { return l.rec.CompressedDigest }

// CompressedSize is the length in bytes of that blob; -1 if not known.
func (l *Layer) CompressedSize() int64 {
	if l.rec.CompressedDigest == "" && l.rec.CompressedSize == 0 {
		return -1
	}
	return l.rec.CompressedSize
}

// Compression is how that blob was compressed: "none", "gzip", "zstd", "bzip2" or
// "xz".
func (l *Layer) Compression() string {
	names := []string{"none", "bzip2", "gzip", "xz", "zstd"}
	if c := l.rec.Compression; c >= 0 && c < int64(len(names)) {
		return names[c]
	}
	return fmt.Sprintf("unknown (%d)", l.rec.Compression)
}

// TOCDigest is the digest of the table of contents by which a layer was pulled in
// parts; empty in others. The diff id may be there as well.
func (l *Layer) TOCDigest() digest.Digest { return l.rec.TOCDigest }

// UIDMap and GIDMap are recorded with layers made for containers with id maps. In
// an image's layer they say that owners on disk are shifted; in a container's that may
// be so or not, and some record nothing where it is. Neither is needed for owners that
// this package shows, which are those that the container sees: see [Layer.Lstat].
func (l *Layer) UIDMap() []IDMap { return l.rec.UIDMap }

// GIDMap is as [Layer.UIDMap].
func (l *Layer) GIDMap() []IDMap { return l.rec.GIDMap }

// Store is the root of the store whose lists have the layer, and its role.
func (l *Layer) Store() (root string, role Role) { return l.place.path, l.place.role }

// Driver is the storage driver that unpacked the layer: "overlay" or "vfs".
func (l *Layer) Driver() string { return l.place.driver }

// BigDataNames are the keys of the items kept with the layer.
func (l *Layer) BigDataNames() []string { return l.rec.BigDataNames }

// BigData reads an item. A key that the layer does not have gives an error that
// matches [ErrNotFound].
func (l *Layer) BigData(key string) ([]byte, error) {
	if !slices.Contains(l.rec.BigDataNames, key) {
		return nil, l.fail(fmt.Errorf("big data %q: %w", key, ErrNotFound))
	}
	// In a split store it may lie in the other half.
	var err error
	for _, p := range l.place.halves() {
		var b []byte
		b, err = p.bigData("layers", l.rec.ID, key, driver.MaxTable)
		if !errors.Is(err, ErrDamaged) { // it is not there
			return b, l.fail(err)
		}
	}
	return nil, l.fail(err)
}

func (l *Layer) fail(err error) error {
	if err == nil { // of a million entries, say
		return nil
	}
	return l.place.fail("layer "+l.rec.ID, err)
}

// Layer finds a layer by id, name, unique prefix of an id, or link id (26 letters
// and digits, as they stand in the driver's lower files). A prefix of several is an
// [*AmbiguousError]; if there is none, the error matches [ErrNotFound].
func (s *Storage) Layer(ref string) (*Layer, error) {
	return search(s, func(snap *snapshot) (*Layer, error) { return snap.findLayer(ref) })
}

func (s *snapshot) findLayer(ref string) (*Layer, error) {
	x, err := s.layerIndex()
	if err != nil {
		return nil, err
	}
	if l := x.byID[ref]; l != nil {
		return l, nil
	}
	if l := x.byName[ref]; l != nil {
		return l, nil
	}
	if isLink(ref) {
		id, err := s.resolveLink(ref)
		if err != nil {
			return nil, err
		}
		if l := x.byID[id]; l != nil {
			return l, nil
		}
		return nil, fmt.Errorf("link %s leads to layer %s, which no list has: %w", ref, id, ErrNotFound)
	}
	if hexID.MatchString(ref) {
		l, err := one("layer", ref, x.all, func(l *Layer) bool { return strings.HasPrefix(l.rec.ID, ref) })
		if l != nil || err != nil {
			return l, err
		}
	}
	return nil, notFoundError("layer", ref)
}
