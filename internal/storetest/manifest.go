package storetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Media types: OCI image-spec media-types.md; distribution
// docs/content/spec/manifest-v2-2.md.
const (
	ociManifest    = "application/vnd.oci.image.manifest.v1+json"
	ociIndex       = "application/vnd.oci.image.index.v1+json"
	ociConfig      = "application/vnd.oci.image.config.v1+json"
	ociLayer       = "application/vnd.oci.image.layer.v1.tar"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerConfig   = "application/vnd.docker.container.image.v1+json"
	dockerLayer    = "application/vnd.docker.image.rootfs.diff.tar"
)

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Platform    *platform         `json:"platform,omitempty"`

	compression string
}

type platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
	Variant      string `json:"variant,omitempty"`
}

// manifest is an image manifest; index a list of such.
type manifest struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Config        descriptor   `json:"config"`
	Layers        []descriptor `json:"layers"`
}

type index struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Manifests     []descriptor `json:"manifests"`
}

func parsePlatform(s string) (platform, error) {
	parts := strings.Split(s, "/")
	if len(parts) != 2 && len(parts) != 3 {
		return platform{}, fmt.Errorf("platform %q is not os/architecture[/variant]", s)
	}
	p := platform{OS: parts[0], Architecture: parts[1]}
	if len(parts) == 3 {
		p.Variant = parts[2]
	}
	return p, nil
}

// blobOf describes the blob from which a layer came. A store does not keep it,
// so digest and size of a compressed one are made up; they do not depend on
// any compressor's version.
func blobOf(compression string, l *LayerInfo) descriptor {
	d := descriptor{Digest: l.diffID, Size: l.Size, compression: compression}
	if l.TOC != nil {
		d.compression = "zstd"
		d.Annotations = map[string]string{
			"io.github.containers.zstd-chunked.manifest-checksum": l.TOCDigest,
			"io.github.containers.zstd-chunked.manifest-position": fmt.Sprintf("%d:%d:%d:1", l.Size/3, len(l.TOC)/3, len(l.TOC)),
		}
	}
	if d.compression != "" && d.compression != "none" {
		d.Digest = Digest([]byte(d.compression + " of " + l.diffID))
		d.Size = l.Size/3 + 100
	}
	return d
}

// media is the descriptor with the media type for one kind of manifest.
func (d descriptor) media(docker bool) descriptor {
	d.MediaType = ociLayer
	separator := "+"
	if docker {
		d.MediaType, separator = dockerLayer, "."
	}
	if d.compression != "" && d.compression != "none" {
		d.MediaType += separator + d.compression
	}
	return d
}

// manifestOf makes the manifest of an image as it was pulled.
func manifestOf(info *ImageInfo, layers []*LayerInfo) ([]byte, error) {
	m := manifest{
		SchemaVersion: 2, MediaType: ociManifest,
		Config: descriptor{MediaType: ociConfig, Digest: Digest(info.Config), Size: int64(len(info.Config))},
		Layers: []descriptor{},
	}
	if info.docker {
		m.MediaType, m.Config.MediaType = dockerManifest, dockerConfig
	}
	for _, l := range layers {
		m.Layers = append(m.Layers, l.blob.media(info.docker))
	}
	return json.Marshal(m)
}

func validText(s string) bool { return utf8.ValidString(s) }
