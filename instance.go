package cstor

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// HostPlatform is the platform that this program was built for.
func HostPlatform() v1.Platform {
	return v1.Platform{OS: runtime.GOOS, Architecture: runtime.GOARCH}
}

// ParsePlatform reads OS/ARCH[/VARIANT], as podman's --platform takes it. Missing
// parts are the host's.
func ParsePlatform(text string) (v1.Platform, error) {
	p := HostPlatform()
	parts := strings.Split(text, "/")
	for _, part := range parts {
		if part == "" || len(parts) > 3 {
			return p, fmt.Errorf("platform %q: OS/ARCH[/VARIANT] was expected", text)
		}
	}
	p.OS = parts[0]
	if len(parts) > 1 {
		p.Architecture = parts[1]
	}
	if len(parts) > 2 {
		p.Variant = parts[2]
	}
	return p, nil
}

// Instance returns the image that a list of manifests names for a platform, from
// whichever store has it; the zero platform stands for the host's. An image that is
// not a list is returned as it is, and so is, under the zero platform, one that was
// looked up by the digest of the list that it was pulled through, for a platform
// other than the host's.
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
	unasked := platform.OS == "" && platform.Architecture == ""
	if unasked {
		platform = HostPlatform()
	}
	var list v1.Index // docker's list has the same fields
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, i.fail(fmt.Errorf("manifest: %w", err))
	}
	x, err := i.snap.imageIndex()
	if err != nil {
		return nil, err
	}
	var has []string
	var missing digest.Digest
	for _, d := range list.Manifests {
		if d.Platform == nil {
			continue
		}
		has = append(has, FormatPlatform(*d.Platform))
		if !matches(platform, *d.Platform) {
			continue
		}
		for _, image := range x.byDigest[d.Digest] {
			if image.rec.ID != i.rec.ID || len(image.rec.TopLayer) > 0 {
				return image.as(d.Digest), nil
			}
		}
		missing = d.Digest
		break
	}
	switch {
	case unasked && i.rec.TopLayer != "":
		return i.as(""), nil
	case missing != "":
		return nil, i.fail(fmt.Errorf("instance %s for %s: %w in any store: pull it for that platform", missing, FormatPlatform(platform), ErrNotFound))
	}
	return nil, i.fail(fmt.Errorf("platform %s: %w in the list, which has %s", FormatPlatform(platform), ErrNotFound, strings.Join(has, ", ")))
}

// FormatPlatform writes a platform as [ParsePlatform] reads it.
func FormatPlatform(p v1.Platform) string {
	s := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	return s
}

// matches: a platform that was asked for without a variant takes any.
func matches(want, have v1.Platform) bool {
	return want.OS == have.OS && want.Architecture == have.Architecture && (want.Variant == "" || want.Variant == have.Variant)
}

// as is the same image, seen through another of its manifests.
func (i *Image) as(manifest digest.Digest) *Image {
	other := *i
	other.asked = manifest
	return &other
}
