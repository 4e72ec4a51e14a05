package cstor

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"

	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/internal/ondisk"
)

// FuzzLookup: whatever is in images.json, an image is found by its id, and by those
// of its names that nothing else is spelt like; what a reference finds has to do with
// it; nothing is not found for another reason than that; and what is ambiguous has
// several answers.
func FuzzLookup(f *testing.F) {
	id := strings.Repeat("0123456789abcdef", 4)
	sum := "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	lists := []string{
		`[]`, `[{"id":"` + id + `","names":["docker.io/library/alpine:latest","localhost/x:1"]},{"id":"0123","names":["quay.io/me/x:1","host:5000/x"]}]`,
		`[{"id":"a","names":["x"],"digest":"` + sum + `"},{"id":"b","names":["x","a","localhost/x:latest"],"big-data-digests":{"manifest-1":"` + sum + `"}},{"id":"a","names":["y@` + sum + `"]}]`,
		`[{"id":"a","names":["docker.io/library/y:1"],"big-data-names":["manifest"],"big-data-digests":{"manifest":"` + sum + `"}},{"id":"b","digest":"` + sum + `","names":["docker.io/library/y:2"]}]`,
		`[{"id":"z","names":["docker.io/library/z:1"]},{"id":"a","digest":"` + sum + `","names":["docker.io/library/y:1"]},{"id":"b","digest":"` + sum + `","names":["docker.io/library/y:2"]}]`,
	}
	refs := []string{
		"", id, "sha256:" + id, "0123", "012", sum, "alpine", "x", "x:1", "me/x:1", "a", "b", "y@" + sum, "y:2@" + sum, "y@0123", "host:5000/x", "ine", "pine:latest", "x@", "@", "@0123", strings.Repeat("f", 64),
		"containers-storage:alpine", "containers-storage:0123", "containers-storage:@0123", "containers-storage:x@0123", "containers-storage:y@" + sum, "containers-storage:[/g]x",
	}
	for _, list := range lists {
		for _, ref := range refs {
			f.Add([]byte(list), ref)
		}
	}
	root, err := beneath.Open(f.TempDir(), beneath.NoLinks)
	if err != nil {
		f.Fatal(err)
	}
	defer root.Close()
	f.Fuzz(func(t *testing.T, list []byte, ref string) {
		records, err := ondisk.Images(list)
		if err != nil || len(records) > 100 {
			return
		}
		p := &place{path: "/store", role: RolePrimary, driver: "overlay", root: root}
		snap := &snapshot{places: []*place{p}, files: []*listFile{{place: p, name: "overlay-images/images.json", data: list}}}
		var s Storage
		s.snaps.Store(&[]*snapshot{snap})
		last := map[string]*ondisk.Image{} // by id: of several, the last counts
		for n := range records {
			last[records[n].ID] = &records[n]
		}
		for _, r := range last {
			checkFoundByOwn(t, &s, r, last)
		}
		checkLookup(t, &s, ref, last)
	})
}

// digestLike is what is an id or a digest, and nothing else, to a lookup.
var digestLike = regexp.MustCompile(`^([0-9a-f]{64}|[a-z0-9]+([+._-][a-z0-9]+)*:[0-9a-zA-Z=_-]{32,})$`)

func checkFoundByOwn(t *testing.T, s *Storage, r *ondisk.Image, all map[string]*ondisk.Image) {
	t.Helper()
	if !strings.HasPrefix(r.ID, Transport) {
		if i, err := s.Image(r.ID); err != nil || i.ID() != r.ID {
			t.Errorf("image %q is not found by its id: %v, %v", r.ID, i, err)
		}
	}
	for _, name := range r.Names {
		others := 0
		for _, other := range all {
			if other.ID == name || other.ID != r.ID && slices.Contains(other.Names, name) {
				others++
			}
		}
		if others > 0 || digestLike.MatchString(name) || strings.Contains(name, "@") || strings.HasPrefix(name, Transport) || name == "" {
			continue
		}
		if i, err := s.Image(name); err != nil || i.ID() != r.ID {
			t.Errorf("image %q is not found by its name %q: %v, %v", r.ID, name, i, err)
		}
	}
}

func checkLookup(t *testing.T, s *Storage, ref string, all map[string]*ondisk.Image) {
	t.Helper()
	i, err := s.Image(ref)
	r, bad := ParseReference(ref)
	switch several := (*AmbiguousError)(nil); {
	case bad != nil || r.GraphRoot != "" || r.Driver != "":
		if err == nil || errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %v, %v", ref, i, err)
		}
	case errors.As(err, &several):
		n := 0
		for i, err := range s.Images() {
			if err == nil && answers(i, r.Name) {
				n++
			}
		}
		if len(several.Candidates) < 2 || len(several.Candidates) > n || i != nil {
			t.Errorf("%q: %v, %v; %d images answer to it", ref, i, err, n)
		}
	case err != nil:
		if !errors.Is(err, ErrNotFound) || i != nil {
			t.Errorf("%q: %v, %v", ref, i, err)
		}
	case all[i.ID()] == nil || !answers(i, r.Name):
		t.Errorf("%q: found %v (%s), which has nothing to do with it", ref, i, i.ID())
	default:
		if again, err := s.Image(ref); err != nil || again.ID() != i.ID() || again.Digest() != i.Digest() {
			t.Errorf("%q: %v, then %v, %v", ref, i, again, err)
		}
	}
}

// answers reports whether an image may be meant by a name, by whichever rule.
func answers(i *Image, name string) bool {
	bare, after, at := strings.Cut(name, "@")
	d := digest.Digest(name)
	if at {
		d = digest.Digest(after)
	}
	if strings.HasPrefix(i.ID(), name) || slices.Contains(i.Digests(), d) || "sha256:"+i.ID() == name || at && strings.HasPrefix(i.ID(), name[strings.LastIndex(name, "@")+1:]) {
		return true
	}
	full := name
	if named, err := reference.ParseNormalizedNamed(name); err == nil {
		full = reference.TagNameOnly(named).String()
	}
	for _, n := range i.Names() {
		for _, spelt := range []string{n, n + ":latest"} {
			if spelt == name || spelt == full || strings.HasSuffix(spelt, "/"+name) || n == name+":latest" || strings.HasSuffix(n, "/"+name+":latest") || at && strings.Contains(n, bare) && slices.Contains(i.Digests(), d) {
				return true
			}
		}
	}
	return false
}
