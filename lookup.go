package cstor

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
)

// Image finds an image. In this order, the first that gives an answer:
//
//  1. an image id, or "sha256:" and one, or a manifest digest;
//  2. NAME@DIGEST: the image that answers to the manifest digest and has some name
//     in the same repository;
//  3. a stored name, exactly; then with what is missing added: the tag "latest", the
//     registry "localhost", the registry "docker.io" (and its "library");
//  4. a prefix of an id;
//  5. the end of a stored name, whole components of it ("nginx" for
//     "quay.io/me/nginx:latest").
//
// A reference that begins with "containers-storage:" follows that transport's
// rules: a prefix of an id counts first from three digits on, NAME gets docker.io
// and "latest" where they are missing, NAME@ID demands both, and nothing else is
// tried. One whose brackets name a root or a driver is for [ParseReference] and [Open]: it
// is refused here.
//
// What could mean several images is an [*AmbiguousError]. If there is none, the
// error matches [ErrNotFound].
func (s *Storage) Image(ref string) (*Image, error) {
	r, err := ParseReference(ref)
	if err != nil {
		return nil, err
	}
	if r.GraphRoot != "" || r.Driver != "" {
		return nil, fmt.Errorf("image %q: it names a store of its own", ref)
	}
	i, err := search(s, func(snap *snapshot) (*Image, error) {
		x, err := snap.imageIndex()
		if err != nil {
			return nil, err
		}
		if r.Transport {
			return x.findTransport(r.Name)
		}
		return x.find(r.Name)
	})
	if errors.Is(err, ErrNotFound) {
		err = fmt.Errorf("image %q: %w", ref, err)
	}
	return i, err
}

var (
	fullID = regexp.MustCompile(`^[0-9a-f]{64}$`)
	hexID  = regexp.MustCompile(`^[0-9a-f]{1,64}$`)
)

func (x *imageIndex) find(name string) (*Image, error) {
	if i, err := x.byIDOrDigest(name); i != nil || err != nil {
		return i, err
	}
	if strings.Contains(name, "@") {
		return x.byNameAndDigest(name, false)
	}
	for _, candidate := range candidates(name) {
		if i := x.byName[candidate]; i != nil {
			return i, nil
		}
	}
	if i, err := x.byPrefix(name); i != nil || err != nil {
		return i, err
	}
	return x.bySuffix(name)
}

// byIDOrDigest: a full id or a digest never falls through to names.
func (x *imageIndex) byIDOrDigest(name string) (*Image, error) {
	if i := x.byID[name]; i != nil { // ids need not be hexadecimal
		return i, nil
	}
	d := digest.Digest(name)
	if d.Validate() != nil {
		if fullID.MatchString(name) {
			return nil, ErrNotFound
		}
		return nil, nil
	}
	if i := x.byID[d.Encoded()]; i != nil && d.Algorithm() == digest.SHA256 {
		return i, nil
	}
	return x.pick(name, d, x.byDigest[d])
}

// byNameAndDigest: container-libs image/storage/storage_reference.go:resolveImage.
// Of several in the repository that are not told apart by their platform, the
// transport takes the first; we the one that has the tag as well, or none.
func (x *imageIndex) byNameAndDigest(name string, transport bool) (*Image, error) {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return nil, noName(err)
	}
	d := named.(reference.Digested).Digest()
	if tagged, ok := named.(reference.Tagged); ok && !transport {
		if i := x.byName[named.Name()+":"+tagged.Tag()]; i != nil && slices.Contains(x.byDigest[d], i) {
			return i.as(d), nil
		}
	}
	var found []*Image
	for _, i := range x.byDigest[d] {
		for _, full := range append(candidates(reference.TrimNamed(named).Name()), candidates(repository(name))...) {
			if i.hasRepository(repository(full)) {
				found = append(found, i)
				break
			}
		}
	}
	i, err := x.pick(name, d, found)
	if several := (*AmbiguousError)(nil); transport && errors.As(err, &several) {
		return found[0].as(d), nil
	}
	return i, err
}

// pick chooses among images that answer to a digest: several do if it is that of a
// list through which they were pulled for different platforms.
func (x *imageIndex) pick(ref string, d digest.Digest, found []*Image) (*Image, error) {
	switch len(found) {
	case 0:
		return nil, ErrNotFound
	case 1:
		return found[0].as(d), nil
	}
	ambiguous := &AmbiguousError{Kind: "image", Ref: ref}
	for _, i := range found {
		if own, err := i.as(d).Instance(HostPlatform()); err == nil && own.rec.ID == i.rec.ID {
			return i.as(d), nil
		}
		ambiguous.Candidates = append(ambiguous.Candidates, i.String())
	}
	return nil, ambiguous
}

func (x *imageIndex) byPrefix(prefix string) (*Image, error) {
	if !hexID.MatchString(prefix) {
		return nil, nil
	}
	return one("image", prefix, x.all, func(i *Image) bool { return strings.HasPrefix(i.rec.ID, prefix) })
}

func (x *imageIndex) bySuffix(name string) (*Image, error) {
	want := "/" + withTag(name)
	i, err := one("image", name, x.all, func(i *Image) bool {
		for _, n := range i.rec.Names {
			if strings.HasSuffix(n, want) && x.byName[n] == i {
				return true
			}
		}
		return false
	})
	if i == nil && err == nil {
		err = ErrNotFound
	}
	return i, err
}

// findTransport: container-libs image/storage/storage_transport.go:
// ParseStoreReference and storage_reference.go:resolveImage.
func (x *imageIndex) findTransport(name string) (*Image, error) {
	var ambiguous error
	if len(name) >= 3 && !strings.ContainsAny(name, "@:/") {
		var i *Image
		if i, ambiguous = x.byPrefix(name); i != nil {
			return i, nil
		}
		// Several: no id, then, but it may be a name.
	}
	if at := strings.LastIndexByte(name, '@'); at >= 0 && !strings.Contains(name[at:], ":") {
		bare, id := name[:at], name[at+1:]
		var i *Image
		var err error
		if len(id) >= 3 {
			i, err = x.byPrefix(id)
		}
		if i == nil && err == nil {
			err = ErrNotFound
		}
		if bare == "" || err != nil {
			return i, err
		}
		named, err := reference.ParseNormalizedNamed(bare)
		if err != nil || !i.hasRepository(named.Name()) {
			return nil, ErrNotFound
		}
		return i, nil
	}
	i, err := x.byTransportName(name)
	if ambiguous != nil && errors.Is(err, ErrNotFound) {
		err = ambiguous
	}
	return i, err
}

func (x *imageIndex) byTransportName(name string) (*Image, error) {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return nil, noName(err)
	}
	named = reference.TagNameOnly(named)
	if i := x.byName[named.String()]; i != nil {
		return i, nil
	}
	if _, ok := named.(reference.Digested); ok {
		return x.byNameAndDigest(named.String(), true)
	}
	return nil, ErrNotFound
}

// noName says why a text cannot be the name of an image: then there is none.
func noName(err error) error { return fmt.Errorf("%w: %w", ErrNotFound, err) }

// candidates are the stored names that a name may stand for, most likely first.
func candidates(name string) []string {
	all := []string{name, withTag(name), "localhost/" + withTag(name)}
	if named, err := reference.ParseNormalizedNamed(name); err == nil {
		all = append(all, reference.TagNameOnly(named).String())
	}
	return all
}

// withTag adds the default tag; a colon before a slash is a port's.
func withTag(name string) string {
	if strings.LastIndexByte(name, ':') > strings.LastIndexByte(name, '/') {
		return name
	}
	return name + ":latest"
}

// repository is a name without tag and digest.
func repository(name string) string {
	name, _, _ = strings.Cut(name, "@")
	if at := strings.LastIndexByte(name, ':'); at > strings.LastIndexByte(name, '/') {
		name = name[:at]
	}
	return name
}

// hasRepository reports whether some name of the image is in a repository; names
// that a writer stored unqualified count as what they stand for.
func (i *Image) hasRepository(repo string) bool {
	return slices.ContainsFunc(i.rec.Names, func(name string) bool {
		if repository(name) == repo {
			return true
		}
		named, err := reference.ParseNormalizedNamed(name)
		return err == nil && named.Name() == repo
	})
}

// String is the image's first name, or its id.
func (i *Image) String() string {
	if len(i.rec.Names) > 0 {
		return i.rec.Names[0]
	}
	return i.rec.ID
}

// one returns the only value that fits, nil if there is none.
func one[T fmt.Stringer](kind, ref string, all []T, fits func(T) bool) (T, error) {
	var none T
	var found []T
	for _, v := range all {
		if fits(v) {
			found = append(found, v)
		}
	}
	switch len(found) {
	case 0:
		return none, nil
	case 1:
		return found[0], nil
	}
	ambiguous := &AmbiguousError{Kind: kind, Ref: ref}
	for _, v := range found {
		ambiguous.Candidates = append(ambiguous.Candidates, v.String())
	}
	return none, ambiguous
}
