package ocicopy

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/distribution/reference"
)

// maxRef is how long in bytes a reference may be: the layouts' rules have no limit, and
// nobody's names are longer (distribution/reference: 255 of the name, 128 of the tag, and
// a digest).
const maxRef = 1024

// layoutRef is what an index may call an image (OCI image-spec annotations.md,
// "org.opencontainers.image.ref.name").
var layoutRef = regexp.MustCompile(`^[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*(?:/[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*)*$`)

func checkLayoutRef(ref string) error {
	if ref != "" && (len(ref) > maxRef || !layoutRef.MatchString(ref)) {
		return fmt.Errorf("%w: %.200q is not what an OCI index can call an image", ErrReference, ref)
	}
	return nil
}

// repoTag is the name with tag by which docker load knows an image, "" for a name with a
// digest alone.
func repoTag(ref string) (string, error) {
	if ref == "" {
		return "", nil
	}
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return "", fmt.Errorf("%w: %.200q: %w", ErrReference, ref, err)
	}
	if _, ok := named.(reference.Digested); ok {
		if _, tagged := named.(reference.Tagged); !tagged {
			return "", nil
		}
	}
	tagged, ok := reference.TagNameOnly(named).(reference.Tagged)
	if !ok {
		return "", fmt.Errorf("%w: %.200q has no tag", ErrReference, ref) // never
	}
	return named.Name() + ":" + tagged.Tag(), nil
}

// Transport is the kind of a destination.
type Transport string

// Transports, as skopeo and podman call them.
const (
	TransportOCI           Transport = "oci"
	TransportOCIArchive    Transport = "oci-archive"
	TransportDockerArchive Transport = "docker-archive"
	TransportDocker        Transport = "docker" // a registry
)

// Target is a destination as a user types it.
type Target struct {
	Transport Transport
	// Path is the directory or file; of a registry the repository, HOST[:PORT]/NAME.
	Path string
	// Ref is the reference behind it, "" if there is none: of a layout or an OCI archive
	// as it is, of a docker archive NAME:TAG in full, of a registry the tag, "latest" if
	// none was typed.
	Ref string
}

// ParseDestination reads DIR, oci:DIR[:REF], oci-archive:FILE[:REF],
// docker-archive:FILE[:NAME[:TAG]], or docker://[HOST[:PORT]/]NAME[:TAG]. The path ends at
// the first colon, as with skopeo. What has no colon is a directory, and so is what begins
// with "/" or ".", whatever follows; anything else needs a transport in front. An error
// matches [ErrDestination], or [ErrReference] if it is about what follows the path.
func ParseDestination(text string) (Target, error) {
	name, rest, found := strings.Cut(text, ":")
	t := Target{Transport: Transport(name)}
	switch {
	case text == "":
		return Target{}, fmt.Errorf("%w: it is empty", ErrDestination)
	case !found, strings.HasPrefix(text, "/"), strings.HasPrefix(text, "."):
		return Target{Transport: TransportOCI, Path: text}, nil
	}
	t.Path, t.Ref, found = strings.Cut(rest, ":")
	var err error
	switch t.Transport {
	case TransportDocker:
		return parseRegistry(rest)
	case TransportOCI, TransportOCIArchive:
		err = checkLayoutRef(t.Ref)
	case TransportDockerArchive:
		var full string
		if full, err = repoTag(t.Ref); err == nil && full == "" && t.Ref != "" {
			err = fmt.Errorf("%w: %.200q: an archive of docker's has tags, not digests", ErrReference, t.Ref)
		}
		t.Ref = full
	default:
		return Target{}, fmt.Errorf("%w: %.200q: no transport %q; oci:, oci-archive:, docker-archive: and docker:// are there, and ./DIR is a directory of any name", ErrDestination, text, name)
	}
	switch {
	case err != nil:
		return Target{}, err
	case t.Path == "":
		return Target{}, fmt.Errorf("%w: %.200q has no path", ErrDestination, text)
	case found && t.Ref == "":
		return Target{}, fmt.Errorf("%w: %.200q has nothing behind the colon", ErrReference, text)
	}
	return t, nil
}

func parseRegistry(rest string) (Target, error) {
	name, ok := strings.CutPrefix(rest, "//")
	if !ok {
		return Target{}, fmt.Errorf("%w: docker:%.200s: docker://HOST/NAME:TAG was expected", ErrDestination, rest)
	}
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return Target{}, fmt.Errorf("%w: docker://%.200s: %w", ErrReference, name, err)
	}
	if _, ok := named.(reference.Digested); ok {
		return Target{}, fmt.Errorf("%w: docker://%.200s: the digest is the manifest's, which is made here; give a tag", ErrReference, name)
	}
	t := Target{Transport: TransportDocker, Path: named.Name(), Ref: "latest"}
	if tagged, ok := named.(reference.Tagged); ok {
		t.Ref = tagged.Tag()
	}
	return t, nil
}

// String writes the target as [ParseDestination] reads it. Of a path with a colon it can do
// so if it is a directory and there is no Ref.
func (t Target) String() string {
	if t.Transport == TransportDocker {
		return "docker://" + t.Path + ":" + t.Ref
	}
	if t.Transport == TransportOCI && t.Ref == "" && strings.Contains(t.Path, ":") {
		if strings.HasPrefix(t.Path, "/") || strings.HasPrefix(t.Path, ".") {
			return t.Path
		}
		return "./" + t.Path
	}
	s := string(t.Transport) + ":" + t.Path
	if t.Ref != "" {
		s += ":" + t.Ref
	}
	return s
}

// Local is the destination in files, or nil if the transport is another.
func (t Target) Local() Destination {
	switch t.Transport {
	case TransportOCI:
		return Layout{Dir: t.Path}
	case TransportOCIArchive:
		return OCIArchive{File: t.Path}
	case TransportDockerArchive:
		return DockerArchive{File: t.Path}
	}
	return nil
}
