package corpus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/containerd/stargz-snapshotter/estargz"
	"github.com/klauspost/compress/gzip"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// EStargz lists the images of the layout that the step "estargz" pulls, by tag, with the names of their layers in package
// fixture, base first.
var EStargz = map[string][]string{
	"gzip":    {"base", "change", "top"},
	"odd":     {"names", "devices"},
	"chunked": {"other"},
}

// eStargzChunk is how many bytes of a file one entry of a table of contents describes: so few that the larger files of
// package fixture are in several parts.
const eStargzChunk = 16 << 10

// writeEStargz makes the layout dir/estargz with the images of [EStargz].
func writeEStargz(dir string) error {
	out := layoutWriter{filepath.Join(dir, "estargz")}
	if err := os.MkdirAll(filepath.Join(out.dir, "blobs/sha256"), 0o755); err != nil {
		return err
	}
	index := v1.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: v1.MediaTypeImageIndex}
	for tag, layers := range EStargz {
		d, err := out.image(layers)
		if err != nil {
			return fmt.Errorf("image %s: %w", tag, err)
		}
		d.Annotations = map[string]string{v1.AnnotationRefName: tag}
		index.Manifests = append(index.Manifests, d)
	}
	if err := out.file("index.json", index); err != nil {
		return err
	}
	return out.file(v1.ImageLayoutFile, v1.ImageLayout{Version: v1.ImageLayoutVersion})
}

// layoutWriter writes into an OCI layout.
type layoutWriter struct{ dir string }

func (l layoutWriter) file(name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(l.dir, name), b, 0o644)
}

func (l layoutWriter) blob(mediaType string, b []byte) (v1.Descriptor, error) {
	d := v1.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(b), Size: int64(len(b))}
	return d, os.WriteFile(filepath.Join(l.dir, "blobs", d.Digest.Algorithm().String(), d.Digest.Encoded()), b, 0o644)
}

func (l layoutWriter) document(mediaType string, v any) (v1.Descriptor, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return v1.Descriptor{}, err
	}
	return l.blob(mediaType, b)
}

// image writes an image of those layers and returns its manifest.
func (l layoutWriter) image(layers []string) (v1.Descriptor, error) {
	config := v1.Image{Platform: v1.Platform{OS: "linux", Architecture: "amd64"}, RootFS: v1.RootFS{Type: "layers"}}
	manifest := v1.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: v1.MediaTypeImageManifest}
	for _, name := range layers {
		d, diffID, err := l.layer(tarOf(name))
		if err != nil {
			return v1.Descriptor{}, fmt.Errorf("layer %s: %w", name, err)
		}
		manifest.Layers = append(manifest.Layers, d)
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, diffID)
		config.History = append(config.History, v1.History{CreatedBy: "eStargz of " + name})
	}
	var err error
	if manifest.Config, err = l.document(v1.MediaTypeImageConfig, config); err != nil {
		return v1.Descriptor{}, err
	}
	return l.document(v1.MediaTypeImageManifest, manifest)
}

// layer writes a tar as eStargz, with the annotations by which it is pulled in parts: without the first one, tools take
// the blob as any gzip (container-libs storage/pkg/chunked/storage_linux.go:getProperDiffer).
func (l layoutWriter) layer(tar []byte) (d v1.Descriptor, diffID digest.Digest, err error) {
	made, err := MakeEStargz(tar)
	if err != nil {
		return d, "", err
	}
	d, err = l.blob(v1.MediaTypeImageLayerGzip, made.Blob)
	d.Annotations = map[string]string{
		estargz.TOCJSONDigestAnnotation:         made.TOCDigest.String(),
		estargz.StoreUncompressedSizeAnnotation: strconv.Itoa(len(made.Tar)),
	}
	return d, digest.FromBytes(made.Tar), err
}

// EStargzLayer is a layer as eStargz has it.
type EStargzLayer struct {
	Blob      []byte
	Tar       []byte // the blob, uncompressed: another order than that of the tar it was made from, and a table of contents
	TOCDigest digest.Digest
}

// MakeEStargz makes an eStargz layer from a tar: the same bytes each time.
func MakeEStargz(tar []byte) (made EStargzLayer, err error) {
	blob, err := estargz.Build(io.NewSectionReader(bytes.NewReader(tar), 0, int64(len(tar))),
		estargz.WithChunkSize(eStargzChunk), estargz.WithParallelism(1))
	if err != nil {
		return made, err
	}
	defer blob.Close()
	made.TOCDigest = blob.TOCDigest()
	if made.Blob, err = io.ReadAll(blob); err != nil {
		return made, err
	}
	plain, err := gzip.NewReader(bytes.NewReader(made.Blob))
	if err != nil {
		return made, err
	}
	if made.Tar, err = io.ReadAll(plain); err == nil && digest.FromBytes(made.Tar) != blob.DiffID() {
		err = fmt.Errorf("its diff id is not %s", blob.DiffID())
	}
	return made, err
}
