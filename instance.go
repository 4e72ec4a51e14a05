package cstor

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// Instance returns the image that a list of manifests names for a platform, from
// whichever store has it; the zero platform stands for the host's, and so does each
// part of it that is empty. An image that is not a list is returned as it is, and so
// is, under the zero platform, one that was looked up by the digest of the list that
// it was pulled through, for a platform other than the host's.
//
// The choice is podman's. A variant that was asked for, or else one that it includes,
// or none; where none was asked for, an image without before one with a variant.
// Other variants than those of arm and arm64 must be the same. Of several instances
// for one platform, one compressed by zstd comes first; those that say no platform
// come last. Names are compared as they are: [ParsePlatform] knows aliases.
//
// If the list names no such instance, or no store has it, the error matches
// [ErrNotFound] and says what the list has.
func (i *Image) Instance(platform v1.Platform) (*Image, error) {
	raw, mediaType, err := i.manifest()
	if err != nil {
		return nil, i.fail(err)
	}
	if !IsList(mediaType) {
		return i, nil
	}
	var list v1.Index // docker's list has the same fields
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, i.fail(fmt.Errorf("manifest: %w", err))
	}
	x, err := i.snap.imageIndex()
	if err != nil {
		return nil, err
	}
	wanted := wantedPlatforms(platform)
	chosen := instances(list.Manifests, wanted, mediaType == v1.MediaTypeImageIndex)
	for _, d := range chosen {
		for _, image := range x.byDigest[d.Digest] {
			if image.rec.ID != i.rec.ID || image.rec.TopLayer != "" {
				return image.as(d.Digest), nil
			}
		}
	}
	switch {
	case platform.OS == "" && platform.Architecture == "" && platform.Variant == "" && i.rec.TopLayer != "":
		return i.as(""), nil
	case len(chosen) > 0:
		return nil, i.fail(fmt.Errorf("instance %s for %s: %w in any store: pull it for that platform", shown(chosen[0].Digest.String()), FormatPlatform(wanted[0]), ErrNotFound))
	}
	return nil, i.fail(fmt.Errorf("platform %s: %w in the list, which has %s", FormatPlatform(wanted[0]), ErrNotFound, platformsOf(list.Manifests)))
}

// zstdAnnotation is "true" in the descriptor of an instance whose layers are
// compressed by zstd; there may be a second for the same platform, with gzip
// (container-libs image/internal/manifest/oci_index.go).
const zstdAnnotation = "io.github.containers.compression.zstd"

// instances are those of a list for the first of the wanted platforms that it has:
// they differ in compression at most, so that the next will do where the first is in
// no store (container-libs image/internal/manifest/oci_index.go:chooseInstance; a
// docker list's have no annotations and always a platform:
// docker_schema2_list.go:ChooseInstance).
func instances(list []v1.Descriptor, wanted []v1.Platform, oci bool) []v1.Descriptor {
	best := len(wanted)
	var chosen []v1.Descriptor
	for _, d := range list {
		rank := len(wanted)
		switch {
		case d.Platform != nil:
			rank = slices.IndexFunc(wanted, func(p v1.Platform) bool {
				return p.OS == d.Platform.OS && p.Architecture == d.Platform.Architecture && p.Variant == d.Platform.Variant
			})
		case !oci:
			continue
		}
		if rank < 0 || rank > best {
			continue
		}
		if rank < best {
			best, chosen = rank, nil
		}
		chosen = append(chosen, d)
	}
	if oci {
		slices.SortStableFunc(chosen, func(a, b v1.Descriptor) int { return cmp.Compare(isGzip(a), isGzip(b)) })
	}
	return chosen
}

func isGzip(d v1.Descriptor) int {
	if d.Annotations[zstdAnnotation] == "true" {
		return 0
	}
	return 1
}

// platformsOf names the platforms of a list, the first of very many.
func platformsOf(list []v1.Descriptor) string {
	const most = 50
	var has []string
	for _, d := range list {
		switch {
		case d.Platform == nil:
			continue
		case len(has) == most:
			return strings.Join(append(has, "…"), ", ")
		}
		has = append(has, shown(FormatPlatform(*d.Platform)))
	}
	if len(has) == 0 {
		return "none"
	}
	return strings.Join(has, ", ")
}

// shown is what a list says, which may be anything, for the text of an error: one
// line without control characters, of limited length.
func shown(text string) string { return strings.Trim(fmt.Sprintf("%.100q", text), `"`) }

// as is the same image, seen through another of its manifests.
func (i *Image) as(manifest digest.Digest) *Image {
	other := *i
	other.asked = manifest
	return &other
}
