package answer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/cstor-go/cstor"

	"github.com/cstor-go/cstor/conformance/corpus"
)

// OpenCstor opens a store with cstor. The caller closes it.
func OpenCstor(ctx context.Context, s *corpus.Store) (*cstor.Storage, error) {
	return cstor.Open(ctx, s.GraphRoot, cstor.Options{
		Driver: s.Driver, RunRoot: s.RunRoot, ImageStore: s.ImageStore, AdditionalImageStores: s.Additional,
		AdditionalLayerStores: converted(s.LayerStores, func(path string) string { return strings.TrimSuffix(path, ":ref") }),
		Transient:             s.Transient,
	})
}

// OfCstor asks cstor.
func OfCstor(s *cstor.Storage) (*Store, error) {
	a := &Store{Images: map[string]Image{}, Layers: map[string]Layer{}, Containers: map[string]Container{}}
	for i, err := range s.Images() {
		if err != nil {
			return nil, fmt.Errorf("images: %w", err)
		}
		a.Images[i.ID()] = cstorImage(i)
	}
	for l, err := range s.Layers() {
		if err != nil {
			return nil, fmt.Errorf("layers: %w", err)
		}
		a.Layers[l.ID()] = cstorLayer(l)
	}
	for c, err := range s.Containers() {
		if err != nil {
			return nil, fmt.Errorf("containers: %w", err)
		}
		a.Containers[c.ID()] = Container{
			Names: none(c.Names()), Image: c.ImageID(), Layer: c.LayerID(), Metadata: c.Metadata(), Created: c.Created(),
			UIDMap: cstorMap(c.UIDMap()), GIDMap: cstorMap(c.GIDMap()), BigData: none(c.BigDataNames()),
		}
	}
	return a, nil
}

func cstorImage(i *cstor.Image) Image {
	items := map[string]Item{}
	for _, key := range i.BigDataNames() {
		size, _ := i.BigDataSize(key)
		items[key] = Item{Size: size, Digest: i.BigDataDigest(key).String(), Content: sum(i.BigData(key))}
	}
	digests := converted(i.Digests(), digest.Digest.String)
	slices.Sort(digests)
	return Image{
		Names: none(i.Names()), Digests: digests, TopLayer: i.TopLayerID(), Mapped: none(i.MappedLayerIDs()),
		History: none(i.NamesHistory()), Metadata: i.Metadata(), Created: i.Created(), BigData: items,
	}
}

func cstorLayer(l *cstor.Layer) Layer {
	items := map[string]Item{}
	for _, key := range l.BigDataNames() {
		b, err := l.BigData(key)
		items[key] = Item{Size: int64(len(b)), Content: sum(b, err)}
	}
	return Layer{
		Parent: l.ParentID(), Names: none(l.Names()), Created: l.Created(), DiffID: l.DiffID().String(), DiffSize: l.DiffSize(),
		CompressedDigest: l.CompressedDigest().String(), CompressedSize: l.CompressedSize(), TOCDigest: l.TOCDigest().String(),
		Compression: l.Compression(), ExpectedDiffID: l.ExpectedDiffID().String(),
		UIDMap: cstorMap(l.UIDMap()), GIDMap: cstorMap(l.GIDMap()), BigData: items,
	}
}

func cstorMap(m []cstor.IDMap) []IDMap {
	return converted(m, func(m cstor.IDMap) IDMap { return IDMap{m.ContainerID, m.HostID, m.Size} })
}

// CstorContent reads an image's manifest and configuration.
func CstorContent(i *cstor.Image) Content {
	c := Content{Size: -1}
	raw, mediaType, err := i.Manifest()
	if err == nil {
		c.Manifest, c.MediaType = sum(raw, nil), mediaType
	}
	if parsed, raw, err := i.Config(); err == nil {
		c.Config = sum(raw, nil)
		c.DiffIDs = converted(parsed.RootFS.DiffIDs, digest.Digest.String)
	}
	if size, err := i.Size(); err == nil {
		c.Size = size
	}
	return c
}

// CstorTar returns what Layer.WriteTar writes.
func CstorTar(ctx context.Context, l *cstor.Layer) Tar {
	h := sha256.New()
	n := &counter{w: h}
	_, err := l.WriteTar(ctx, n, cstor.WriteOptions{})
	return Tar{Size: n.n, Digest: "sha256:" + hex.EncodeToString(h.Sum(nil)), Err: err}
}

// CstorTarBytes returns what Layer.WriteTar writes, whole.
func CstorTarBytes(ctx context.Context, l *cstor.Layer, opts cstor.WriteOptions) ([]byte, cstor.Report, error) {
	var b bytes.Buffer
	report, err := l.WriteTar(ctx, &b, opts)
	return b.Bytes(), report, err
}

// CstorLookup asks cstor for an image, which may be a list of manifests.
func CstorLookup(s *cstor.Storage, ref string) Lookup { return lookup(s.Image(ref)) }

// CstorInstance asks cstor for an image as podman does: of a list it takes the instance for this machine.
func CstorInstance(s *cstor.Storage, ref string) Lookup {
	i, err := s.Image(ref)
	if err == nil {
		i, err = i.Instance(v1.Platform{})
	}
	return lookup(i, err)
}

// CstorLayerLookup asks cstor for a layer.
func CstorLayerLookup(s *cstor.Storage, ref string) Lookup { return lookup(s.Layer(ref)) }

// CstorContainerLookup asks cstor for a container.
func CstorContainerLookup(s *cstor.Storage, ref string) Lookup { return lookup(s.Container(ref)) }

func lookup[T interface{ ID() string }](found T, err error) Lookup {
	if ambiguous, ok := errors.AsType[*cstor.AmbiguousError](err); ok {
		return Lookup{Candidates: ambiguous.Candidates}
	}
	if err != nil {
		return Lookup{}
	}
	return Lookup{ID: found.ID()}
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
