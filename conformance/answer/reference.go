package answer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"

	"github.com/opencontainers/go-digest"
	"go.podman.io/image/v5/image"
	"go.podman.io/image/v5/manifest"
	istorage "go.podman.io/image/v5/storage"
	"go.podman.io/image/v5/types"
	"go.podman.io/storage"
	"go.podman.io/storage/pkg/archive"
	"go.podman.io/storage/pkg/idtools"
)

// OfReference asks the reference library. It lists an image or layer once for each store that has it; as the first store
// wins in its lookups, only the first is kept here.
func OfReference(s storage.Store) (*Store, error) {
	a := &Store{Images: map[string]Image{}, Layers: map[string]Layer{}, Containers: map[string]Container{}}
	images, err := s.Images()
	if err != nil {
		return nil, fmt.Errorf("images: %w", err)
	}
	for _, i := range images {
		if _, ok := a.Images[i.ID]; !ok {
			a.Images[i.ID] = referenceImage(s, i)
		}
	}
	layers, err := s.Layers()
	if err != nil {
		return nil, fmt.Errorf("layers: %w", err)
	}
	for _, l := range layers {
		if _, ok := a.Layers[l.ID]; !ok {
			a.Layers[l.ID] = referenceLayer(s, l)
		}
	}
	containers, err := s.Containers()
	if err != nil {
		return nil, fmt.Errorf("containers: %w", err)
	}
	for _, c := range containers {
		a.Containers[c.ID] = referenceContainer(c)
	}
	return a, nil
}

func referenceImage(s storage.Store, i storage.Image) Image {
	items := map[string]Item{}
	for _, key := range i.BigDataNames {
		items[key] = Item{
			Size: i.BigDataSizes[key], Digest: i.BigDataDigests[key].String(), Content: sum(s.ImageBigData(i.ID, key)),
		}
	}
	digests := converted(i.Digests, digest.Digest.String)
	slices.Sort(digests)
	return Image{
		Names: none(i.Names), Digests: slices.Compact(digests), TopLayer: i.TopLayer,
		Mapped: none(i.MappedTopLayers), History: none(i.NamesHistory), Metadata: i.Metadata, Created: i.Created, BigData: items,
	}
}

// referenceLayer gives sizes that mean nothing without a digest as -1, cstor's spelling of unknown.
func referenceLayer(s storage.Store, l storage.Layer) Layer {
	items := map[string]Item{}
	for _, key := range l.BigDataNames {
		rc, err := s.LayerBigData(l.ID, key)
		var b []byte
		if err == nil {
			b, err = io.ReadAll(rc)
			_ = rc.Close() // only read from
		}
		items[key] = Item{Size: int64(len(b)), Content: sum(b, err)}
	}
	expected, _ := l.Flags["expected-layer-diffid"].(string)
	if l.CompressedDigest == "" {
		l.CompressedSize = -1
	}
	if l.UncompressedDigest == "" && l.TOCDigest == "" {
		l.UncompressedSize = -1
	}
	return Layer{
		Parent: l.Parent, Names: none(l.Names), Created: l.Created, DiffID: l.UncompressedDigest.String(),
		DiffSize: l.UncompressedSize, CompressedDigest: l.CompressedDigest.String(), CompressedSize: l.CompressedSize,
		TOCDigest: l.TOCDigest.String(), Compression: compressionName(l.CompressionType), ExpectedDiffID: expected,
		UIDMap: referenceMap(l.UIDMap), GIDMap: referenceMap(l.GIDMap), BigData: items,
	}
}

func referenceContainer(c storage.Container) Container {
	return Container{
		Names: none(c.Names), Image: c.ImageID, Layer: c.LayerID, Metadata: c.Metadata, Created: c.Created,
		UIDMap: referenceMap(c.UIDMap), GIDMap: referenceMap(c.GIDMap), BigData: none(c.BigDataNames),
	}
}

// compressionName spells a compression as cstor does. The zero value says "none", also where no blob was ever pulled.
func compressionName(c archive.Compression) string {
	switch c {
	case archive.Uncompressed:
		return "none"
	case archive.Bzip2:
		return "bzip2"
	case archive.Gzip:
		return "gzip"
	case archive.Xz:
		return "xz"
	case archive.Zstd:
		return "zstd"
	default:
		return fmt.Sprintf("compression %d", c)
	}
}

func referenceMap(m []idtools.IDMap) []IDMap {
	return converted(m, func(m idtools.IDMap) IDMap { return IDMap{m.ContainerID, m.HostID, m.Size} })
}

// ReferenceContent reads an image's manifest and configuration the way a copy from the store does.
func ReferenceContent(ctx context.Context, s storage.Store, id string) Content {
	c := Content{Size: -1}
	if size, err := s.ImageSize(id); err == nil {
		c.Size = size
	}
	ref, err := istorage.Transport.NewStoreReference(s, nil, id)
	if err != nil {
		return c
	}
	src, err := ref.NewImageSource(ctx, nil)
	if err != nil {
		return c
	}
	defer func() { _ = src.Close() }() // only read from
	raw, mediaType, err := src.GetManifest(ctx, nil)
	if err != nil {
		return c
	}
	c.Manifest, c.MediaType = sum(raw, nil), mediaType
	if manifest.MIMETypeIsMultiImage(mediaType) {
		return c
	}
	img, err := image.FromUnparsedImage(ctx, nil, image.UnparsedInstance(src, nil))
	if err != nil {
		return c
	}
	config, err := img.ConfigBlob(ctx)
	if err != nil {
		return c
	}
	c.Config = sum(config, nil)
	if config == nil { // schema 1
		c.DiffIDs = storedDiffIDs(ctx, src)
	} else if parsed, err := img.OCIConfig(ctx); err == nil {
		c.DiffIDs = converted(parsed.RootFS.DiffIDs, digest.Digest.String)
	}
	return c
}

// storedDiffIDs returns the digests of the layers that a copy from the store would send, uncompressed, without the
// stand-ins for steps of a schema 1 history that made no layer.
func storedDiffIDs(ctx context.Context, src types.ImageSource) []string {
	infos, err := src.LayerInfosForCopy(ctx, nil)
	if err != nil {
		return nil
	}
	infos = slices.DeleteFunc(infos, func(b types.BlobInfo) bool { return b.Digest == image.GzippedEmptyLayerDigest })
	return converted(infos, func(b types.BlobInfo) string { return b.Digest.String() })
}

// ReferenceTar returns what Store.Diff gives for a layer, uncompressed.
func ReferenceTar(s storage.Store, id string) Tar {
	h := sha256.New()
	n, err := referenceTar(s, id, h)
	if n == 0 && err != nil {
		return Tar{Err: err}
	}
	return Tar{Size: n, Digest: "sha256:" + hex.EncodeToString(h.Sum(nil)), Err: err}
}

// ReferenceTarBytes returns what Store.Diff gives for a layer, uncompressed and whole. There may be bytes beside an error.
func ReferenceTarBytes(s storage.Store, id string) ([]byte, error) {
	var b bytes.Buffer
	_, err := referenceTar(s, id, &b)
	return b.Bytes(), err
}

func referenceTar(s storage.Store, id string, w io.Writer) (int64, error) {
	plain := archive.Uncompressed
	rc, err := s.Diff("", id, &storage.DiffOptions{Compression: &plain})
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(w, rc)
	if e := rc.Close(); err == nil {
		err = e
	}
	return n, err
}

// ReferenceLookup finds the image that a "containers-storage:" reference names by the rules of the transport
// (container-libs image/storage/storage_transport.go, storage_reference.go).
func ReferenceLookup(s storage.Store, ref string) Lookup {
	r, err := istorage.Transport.ParseStoreReference(s, ref)
	if err != nil {
		return Lookup{}
	}
	_, img, err := istorage.ResolveReference(r)
	if err != nil {
		return Lookup{}
	}
	return Lookup{ID: img.ID}
}

// ReferenceLayerLookup finds a layer by id, name or unique prefix of an id.
func ReferenceLayerLookup(s storage.Store, ref string) Lookup {
	l, err := s.Layer(ref)
	if err != nil {
		return Lookup{}
	}
	return Lookup{ID: l.ID}
}

// ReferenceContainerLookup finds a container by id, name, layer or unique prefix of an id.
func ReferenceContainerLookup(s storage.Store, ref string) Lookup {
	c, err := s.Container(ref)
	if err != nil {
		return Lookup{}
	}
	return Lookup{ID: c.ID}
}
