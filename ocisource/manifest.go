package ocisource

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/cstor-go/cstor"
)

// Media types of docker's image format, schema 2 (github.com/distribution/distribution
// manifest/schema2/manifest.go). That of an uncompressed layer is the one that docker
// writes into its archives (container-libs image/manifest/manifest.go:
// DockerV2SchemaLayerMediaTypeUncompressed).
const (
	dockerConfig    = "application/vnd.docker.container.image.v1+json"
	dockerLayer     = "application/vnd.docker.image.rootfs.diff.tar"
	dockerLayerGzip = "application/vnd.docker.image.rootfs.diff.tar.gzip"
)

// original is what the stored manifest says beside layers.
type original struct {
	raw          []byte
	mediaType    string
	artifactType string
	config       v1.Descriptor
	layers       []v1.Descriptor
	annotations  map[string]string
}

func readOriginal(i *cstor.Image) (o original, err error) {
	if o.raw, o.mediaType, err = i.Manifest(); err != nil {
		return o, err
	}
	if o.mediaType == cstor.MediaTypeDockerSchema1 || o.mediaType == cstor.MediaTypeDockerSchema1Signed {
		return o, nil
	}
	var m v1.Manifest
	if err := json.Unmarshal(o.raw, &m); err != nil {
		return o, fmt.Errorf("manifest: %w", err)
	}
	o.config, o.layers = m.Config, m.Layers
	if o.mediaType == v1.MediaTypeImageManifest { // the other has none
		o.artifactType, o.annotations = m.ArtifactType, without(m.Annotations)
		o.config.Annotations = without(m.Config.Annotations)
	}
	return o, nil
}

// annotationsOf are those of a layer, of which the store has as many as count.
func (o *original) annotationsOf(layer, count int) map[string]string {
	if len(o.layers) != count || o.mediaType != v1.MediaTypeImageManifest {
		return nil
	}
	return without(o.layers[layer].Annotations)
}

// stale are annotations, or with a dot at the end the beginnings of annotations, which
// describe the blob that was pulled and not the layer: where a zstd:chunked blob has its
// table of contents (container-libs storage/pkg/chunked/internal/minimal/compression.go),
// and an eStargz one (stargz-snapshotter estargz/types.go: TOCJSONDigestAnnotation,
// StoreUncompressedSizeAnnotation), and how a blob was encrypted (ocicrypt
// encryption.go).
var stale = []string{
	"io.github.containers.zstd-chunked.",
	"io.containers.zstd-chunked.",
	"containerd.io/snapshot/stargz/toc.digest",
	"io.containers.estargz.uncompressed-size",
	"org.opencontainers.image.enc.",
}

// without returns annotations that hold for other blobs too, nil if there are none. The
// name of a reference belongs to an index.
func without(annotations map[string]string) map[string]string {
	kept := maps.Clone(annotations)
	maps.DeleteFunc(kept, func(key, _ string) bool {
		if key == v1.AnnotationRefName {
			return true
		}
		for _, s := range stale {
			if key == s || strings.HasSuffix(s, ".") && strings.HasPrefix(key, s) {
				return true
			}
		}
		return false
	})
	if len(kept) == 0 {
		return nil
	}
	return kept
}

// configType: the same bytes are a configuration of both formats, whose fields of one
// name mean the same (OCI image-spec conversion.md). An artifact's have a type of their own.
func (s *Source) configType() string {
	own := s.made.config.MediaType
	switch {
	case s.opts.Format == Docker:
		return dockerConfig
	case s.made.mediaType == v1.MediaTypeImageManifest && own != "" && own != dockerConfig:
		return own
	}
	return v1.MediaTypeImageConfig
}

func (o Options) layerType() string {
	switch {
	case o.Format == Docker && o.Compression == Gzip:
		return dockerLayerGzip
	case o.Format == Docker:
		return dockerLayer
	case o.Compression == Gzip:
		return v1.MediaTypeImageLayerGzip
	case o.Compression == Zstd:
		return v1.MediaTypeImageLayerZstd
	}
	return v1.MediaTypeImageLayer
}

// makeManifest makes the manifest of layers all of which are known. A subject is left
// out: it is another manifest, which the store does not have.
func (s *Source) makeManifest() ([]byte, v1.Descriptor, error) {
	m := v1.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: v1.MediaTypeImageManifest,
		Config: s.config, Layers: make([]v1.Descriptor, 0, len(s.parts)),
	}
	if s.opts.Format == Docker {
		m.MediaType = cstor.MediaTypeDockerManifest
	} else {
		m.ArtifactType, m.Annotations = s.made.artifactType, s.made.annotations
	}
	for _, p := range s.parts {
		d, ok := p.layer.Descriptor()
		if !ok {
			return nil, v1.Descriptor{}, fmt.Errorf("layer %s is not known yet", p.layer.stored.ID()) // never
		}
		if s.opts.Format == OCI {
			d.Annotations = p.annotations
		}
		m.Layers = append(m.Layers, d)
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return nil, v1.Descriptor{}, err
	}
	d := v1.Descriptor{MediaType: m.MediaType, Digest: digest.FromBytes(raw), Size: int64(len(raw))}
	if s.opts.Format == OCI {
		d.ArtifactType = m.ArtifactType
	}
	return raw, d, nil
}
