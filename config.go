package cstor

import (
	"encoding/json"
	"errors"
	"fmt"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// ErrIsList is matched when something was asked of a list of manifests that only an
// image has: see [Image.Instance].
var ErrIsList = errors.New("a list of manifests, not an image")

// Config returns the image's configuration, parsed, and its original bytes, which
// the image id is the digest of. It is found through the manifest's descriptor and
// checked against its digest. Docker's configuration has all fields of OCI's. Where
// the store keeps no configuration, the descriptor's own copy of it serves, as
// artifacts have it (OCI image-spec descriptor.md, "data").
//
// An image with a schema 1 manifest has no configuration of its own: parsed is then
// put together from the manifest's history, and raw is nil. For a list the error
// matches [ErrIsList].
func (i *Image) Config() (parsed *v1.Image, raw []byte, err error) {
	manifest, mediaType, err := i.manifest()
	if err != nil {
		return nil, nil, i.fail(err)
	}
	switch {
	case IsList(mediaType):
		return nil, nil, i.fail(ErrIsList)
	case mediaType == MediaTypeDockerSchema1, mediaType == MediaTypeDockerSchema1Signed:
		parsed, err = i.schema1Config(manifest)
		return parsed, nil, i.fail(err)
	}
	raw, err = i.rawConfig(manifest)
	if err != nil {
		return nil, nil, i.fail(err)
	}
	parsed = new(v1.Image)
	if err := json.Unmarshal(raw, parsed); err != nil {
		return nil, nil, i.fail(fmt.Errorf("config: %w", err))
	}
	return parsed, raw, nil
}

func (i *Image) rawConfig(manifest []byte) ([]byte, error) {
	desc, err := configDescriptor(manifest)
	if err != nil {
		return nil, err
	}
	key := desc.Digest.String()
	with := i.with(key)
	switch {
	case with == nil && len(desc.Data) > 0:
		return desc.Data, checkDigest("config digest", desc.Digest, desc.Data)
	case with == nil:
		return nil, fmt.Errorf("%w: it has no config %s", ErrIncomplete, key)
	}
	raw, err := with.place.bigData("images", i.rec.ID, key, maxManifest)
	if err != nil {
		return nil, err
	}
	return raw, checkDigest("config digest", desc.Digest, raw)
}
