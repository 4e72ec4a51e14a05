package cstor

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// Media types of manifests that are not OCI's own.
const (
	MediaTypeDockerManifest       = "application/vnd.docker.distribution.manifest.v2+json"
	MediaTypeDockerManifestList   = "application/vnd.docker.distribution.manifest.list.v2+json"
	MediaTypeDockerSchema1        = "application/vnd.docker.distribution.manifest.v1+json"
	MediaTypeDockerSchema1Signed  = "application/vnd.docker.distribution.manifest.v1+prettyjws"
	manifestKey                   = "manifest" // of the big data item that holds the present manifest
	mediaTypeDockerContainerImage = "application/vnd.docker.container.image.v1+json"
)

// Manifest returns the image's manifest as it was pulled or made, and its media
// type: by the digest that the image was looked up with, else the present one. The
// layer digests in it are mostly those of compressed blobs, which a store does not
// keep.
//
// It may be a list of manifests ([IsList]): see [Image.Instance]. The bytes are
// checked against the digest. An image that has no manifest (yet) gives an error
// that matches [ErrIncomplete].
func (i *Image) Manifest() (raw []byte, mediaType string, err error) {
	raw, mediaType, err = i.manifest()
	return raw, mediaType, i.fail(err)
}

func (i *Image) manifest() ([]byte, string, error) {
	key := manifestKey
	if i.asked != "" {
		// Present in every image pulled by newer writers; older ones kept only one.
		if k := manifestKey + "-" + i.asked.String(); i.with(k) != nil {
			key = k
		}
	}
	with := i.with(key)
	if with == nil {
		return nil, "", fmt.Errorf("%w: it has no manifest", ErrIncomplete)
	}
	raw, err := with.place.bigData("images", i.rec.ID, key, maxManifest)
	if err != nil {
		return nil, "", err
	}
	mediaType, err := manifestType(raw)
	if err != nil {
		return nil, "", err
	}
	want := with.rec.BigData.Digests[key]
	if i.asked != "" {
		want = i.asked
	}
	if want == "" {
		return raw, mediaType, nil
	}
	if err := want.Validate(); err != nil {
		return nil, "", fmt.Errorf("manifest digest %q: %w", want, err)
	}
	got := want.Algorithm().FromBytes(raw)
	if mediaType == MediaTypeDockerSchema1Signed {
		payload, err := schema1Payload(raw)
		if err != nil {
			return nil, "", err
		}
		got = want.Algorithm().FromBytes(payload)
	}
	if got != want {
		return nil, "", &MismatchError{What: "manifest digest", Want: want.String(), Got: got.String()}
	}
	return raw, mediaType, nil
}

// IsList reports whether mediaType is that of a list of manifests: an OCI index or
// a docker manifest list.
func IsList(mediaType string) bool {
	return mediaType == v1.MediaTypeImageIndex || mediaType == MediaTypeDockerManifestList
}

// manifestType tells manifests apart by what they contain: their mediaType field,
// which OCI made optional, else their shape (container-libs
// image/internal/manifest/manifest.go:GuessMIMEType).
func manifestType(raw []byte) (string, error) {
	var m struct {
		SchemaVersion int              `json:"schemaVersion"`
		MediaType     string           `json:"mediaType"`
		Signatures    *json.RawMessage `json:"signatures"` // nil if null
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return "", fmt.Errorf("manifest: %w", err)
	}
	switch m.MediaType {
	case v1.MediaTypeImageManifest, v1.MediaTypeImageIndex, MediaTypeDockerManifest, MediaTypeDockerManifestList:
		return m.MediaType, nil
	}
	switch {
	case m.SchemaVersion == 1 && m.Signatures != nil:
		return MediaTypeDockerSchema1Signed, nil
	case m.SchemaVersion == 1:
		return MediaTypeDockerSchema1, nil
	case m.SchemaVersion == 2:
		return schema2Type(raw)
	}
	return "", errNoManifest
}

var errNoManifest = errors.New("manifest: neither OCI nor docker")

// schema2Type: a manifest without a media type of its own is OCI's, since docker's
// must have one, and an index if it lists manifests.
func schema2Type(raw []byte) (string, error) {
	var m struct {
		Config struct {
			MediaType string `json:"mediaType"`
		} `json:"config"`
		Manifests []json.RawMessage `json:"manifests"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return "", fmt.Errorf("manifest: %w", err)
	}
	switch {
	case m.Config.MediaType == v1.MediaTypeImageConfig:
		return v1.MediaTypeImageManifest, nil
	case m.Config.MediaType == mediaTypeDockerContainerImage:
		return MediaTypeDockerManifest, nil
	case len(m.Manifests) == 0: // an artifact
		return v1.MediaTypeImageManifest, nil
	case m.Config.MediaType == "":
		return v1.MediaTypeImageIndex, nil
	}
	return "", errNoManifest // GuessMIMEType answers the config's type, which none can read
}

// configDescriptor finds the configuration through the manifest.
func configDescriptor(raw []byte) (v1.Descriptor, error) {
	var m struct {
		Config v1.Descriptor `json:"config"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return m.Config, fmt.Errorf("manifest: %w", err)
	}
	if err := m.Config.Digest.Validate(); err != nil {
		return m.Config, fmt.Errorf("manifest: config digest %q: %w", m.Config.Digest, err)
	}
	return m.Config, nil
}

func checkDigest(what string, want digest.Digest, raw []byte) error {
	if got := want.Algorithm().FromBytes(raw); got != want {
		return &MismatchError{What: what, Want: want.String(), Got: got.String()}
	}
	return nil
}
