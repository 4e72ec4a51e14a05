package cstor

import (
	"cmp"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/distribution/reference"
)

// format writes a reference as ParseReference takes it.
func (r Reference) format() string {
	if !r.Transport {
		return r.Name
	}
	s := Transport
	if r.Driver+r.GraphRoot+r.RunRoot != "" || r.Options != nil || strings.HasPrefix(r.Name, "[") {
		spec := r.GraphRoot
		if r.RunRoot != "" {
			spec += "+" + r.RunRoot
		}
		if r.Options != nil {
			spec += ":" + strings.Join(r.Options, ",")
		}
		if r.Driver != "" || strings.Contains(spec, "@") { // the first one ends the driver
			spec = r.Driver + "@" + cmp.Or(spec, "+")
		}
		s += "[" + cmp.Or(spec, "+") + "]"
	}
	return s + r.Name
}

// What the bracket of the transport may hold, with and without a driver
// (container-libs image/storage/storage_transport.go:storeForSpec): something, and behind a driver,
// which is not empty, something as well.
var (
	withDriver = regexp.MustCompile(`(?s)^([^@]+)@(/[^:+]*)?(?:\+(/[^:]*)?)?(?::(.*))?$`)
	rootOnly   = regexp.MustCompile(`(?s)^()(/[^:+@]*)?(?:\+(/[^:@]*)?)?(?::([^@]*))?$`)
)

// plainReference is a second opinion on a text.
func plainReference(text string) (Reference, bool) {
	if !strings.HasPrefix(text, "containers-storage:") {
		return Reference{Name: text}, true
	}
	r := Reference{Transport: true, Name: text[len("containers-storage:"):]}
	if strings.HasPrefix(r.Name, "[") {
		end := strings.Index(r.Name, "]")
		if end < 0 {
			return r, false
		}
		m := withDriver.FindStringSubmatch(r.Name[1:end])
		if m == nil {
			m = rootOnly.FindStringSubmatch(r.Name[1:end])
		}
		if spec := r.Name[1:end]; m == nil || spec == "" || strings.Index(spec, "@") == len(spec)-1 {
			return r, false
		}
		r.Name, r.Driver, r.GraphRoot, r.RunRoot = r.Name[end+1:], m[1], m[2], m[3]
		if m[4] != "" {
			r.Options = strings.Split(m[4], ",")
		}
	}
	return r, r.Name != ""
}

// FuzzReference: ParseReference takes what has the transport's form and nothing
// else, and what it took, written out, it reads as the same again.
func FuzzReference(f *testing.F) {
	for _, text := range []string{
		"", "alpine", "[overlay@/g]x", "containers-storage:", "containers-storage:x", "containers-storage:x@sha256:0", "containers-storage:[/g]x",
		"containers-storage:[vfs@/g+/r:a=b,c]x:1", "containers-storage:[vfs@]x", "containers-storage:[@/g]x", "containers-storage:[@]x", "containers-storage:[+/r]x",
		"containers-storage:[/g+]x", "containers-storage:[/g:]x", "containers-storage:[/g:,]x", "containers-storage:[/g:a@/b]x", "containers-storage:[g]x", "containers-storage:[vfs@/g+r]x",
		"containers-storage:[]x", "containers-storage:[/g", "containers-storage:[/g]", "containers-storage:[/g]]x", "containers-storage:[/g][x", "containers-storage:[/g+/r+/s@]x\n", "containers-storage:[@/g:a@b]x", "containers-storage:]x",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseReference(text)
		want, ok := plainReference(text)
		if ok != (err == nil) || ok && !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: %+v, %v; want %+v, %v", text, got, err, want, ok)
		}
		if err != nil {
			return
		}
		if again, err := ParseReference(got.format()); err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("%q: %+v; as %q %+v, %v", text, got, got.format(), again, err)
		}
	})
}

// FuzzNames: of names that distribution/reference takes, the repository and the full
// name are what it says, and the full name of a full name is that name; and
// whatever the name, adding the tag twice adds one.
func FuzzNames(f *testing.F) {
	const sum = "@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for _, name := range []string{
		"", "alpine", "alpine:3", "library/alpine", "docker.io/alpine", "index.docker.io/x", "docker.io/library/alpine:latest", "localhost/x", "localhost:5000/x", "host:5000/a/b:v1", "host:5000",
		"alpine" + sum, "alpine:3" + sum, "host:5000/a" + sum, "a@b", "A/b", "a//b", "a:b:c", "[::1]:5000/x", "x:", ":x", "@" + sum, strings.Repeat("a", 64), "quay.io/a__b/c-d.e:_",
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		all := candidates(name)
		if all[0] != name || !slices.Contains(all, withTag(name)) || !slices.Contains(all, "localhost/"+withTag(name)) {
			t.Errorf("%q: candidates %q", name, all)
		}
		if withTag(withTag(name)) != withTag(name) {
			t.Errorf("%q: %q, %q", name, withTag(name), withTag(withTag(name)))
		}
		named, err := reference.ParseNormalizedNamed(name)
		if err != nil {
			if len(all) != 3 {
				t.Errorf("%q: candidates %q, %v", name, all, err)
			}
			return
		}
		full := reference.TagNameOnly(named).String()
		if all[len(all)-1] != full || len(all) != 4 {
			t.Errorf("%q: candidates %q, want %q", name, all, full)
		}
		if again := candidates(full); again[len(again)-1] != full || again[0] != full {
			t.Errorf("%q: candidates %q of %q", name, again, full)
		}
		if repository(full) != named.Name() || repository(named.String()) != named.Name() {
			t.Errorf("%q: repositories %q, %q, want %q", name, repository(full), repository(named.String()), named.Name())
		}
		if _, digested := named.(reference.Digested); !digested && withTag(named.String()) != full {
			t.Errorf("%q: %q, want %q", name, withTag(named.String()), full)
		}
		if repo, err := reference.ParseNormalizedNamed(repository(name)); err != nil || repo.String() != named.Name() {
			t.Errorf("%q: repository %q is %v, want %q, %v", name, repository(name), repo, named.Name(), err)
		}
	})
}
