package ocicopy

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// FuzzIndex: an index that is read and written says the same; with one more descriptor,
// the same and that one.
func FuzzIndex(f *testing.F) {
	d := digest.FromString("d").String()
	for _, text := range []string{
		`{"schemaVersion":2}`, `{"schemaVersion":2,"manifests":null}`, `{"schemaVersion":2,"manifests":[],"x":{"y":[1,2.50]}}`,
		`{"schemaVersion":2,"manifests":[{"digest":"` + d + `","size":1,"annotations":{"org.opencontainers.image.ref.name":"r"},"my":1}]}`,
		`{"schemaVersion":2,"manifests":[{"digest":"` + d + `"},{"digest":"` + d + `","annotations":{"org.opencontainers.image.ref.name":"r"}},{"digest":"` + d + `","annotations":{"org.opencontainers.image.ref.name":"r"}}]}`,
		`{"schemaVersion":2,"schemaVersion":1}`, `{"SchemaVersion":2}`, `null`, `[]`, `{"schemaVersion":2,"manifests":[null]}`, `{"schemaVersion":2,"Manifests":[{"digest":"` + d + `"}]}`,
	} {
		f.Add([]byte(text), "r")
	}
	f.Fuzz(func(t *testing.T, raw []byte, ref string) {
		x, err := parseIndex(raw)
		if err != nil {
			if !errors.Is(err, ErrNotLayout) {
				t.Error(err)
			}
			return
		}
		count := len(x.manifests)
		before := append([]entry(nil), x.manifests...)
		out, err := x.bytes()
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseIndex(out)
		if err != nil || len(again.manifests) != count {
			t.Fatalf("%s, from %s: %v", out, raw, err)
		}
		if twice, err := again.bytes(); err != nil || !bytes.Equal(twice, out) {
			t.Errorf("%s, then %s, %v", out, twice, err)
		}
		added := v1.Descriptor{MediaType: v1.MediaTypeImageManifest, Digest: digest.FromString("added"), Size: 5}
		if ref != "" {
			added.Annotations = map[string]string{v1.AnnotationRefName: ref}
		}
		if err := again.put(added); err != nil {
			t.Fatal(err)
		}
		var named, unnamed int
		for _, e := range again.manifests {
			if e.desc.Digest == added.Digest {
				unnamed++
			}
			if e.desc.Annotations[v1.AnnotationRefName] == ref {
				named++
			}
		}
		if unnamed == 0 || ref != "" && named != 1 {
			t.Errorf("%q: %d of that name, %d of that digest", ref, named, unnamed)
		}
		for _, e := range before {
			kept := false
			for _, now := range again.manifests {
				kept = kept || sameJSON(now.raw, e.raw)
			}
			if had := e.desc.Annotations[v1.AnnotationRefName]; !kept && (ref == "" || had != ref) && e.desc.Digest != added.Digest {
				t.Errorf("%s is gone", e.raw)
			}
		}
	})
}

func sameJSON(a, b json.RawMessage) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}

func desc(text, ref string) v1.Descriptor {
	d := v1.Descriptor{MediaType: v1.MediaTypeImageManifest, Digest: digest.FromString(text), Size: int64(len(text))}
	if ref != "" {
		d.Annotations = map[string]string{v1.AnnotationRefName: ref}
	}
	return d
}

// TestPut: a name is moved, and an image without a name is there once.
func TestPut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ had, put, want []v1.Descriptor }{
		"first":                {nil, []v1.Descriptor{desc("a", "")}, []v1.Descriptor{desc("a", "")}},
		"again":                {[]v1.Descriptor{desc("a", "r")}, []v1.Descriptor{desc("a", "r")}, []v1.Descriptor{desc("a", "r")}},
		"another name":         {[]v1.Descriptor{desc("a", "r")}, []v1.Descriptor{desc("a", "s")}, []v1.Descriptor{desc("a", "r"), desc("a", "s")}},
		"without one":          {[]v1.Descriptor{desc("a", "r")}, []v1.Descriptor{desc("a", "")}, []v1.Descriptor{desc("a", "r")}},
		"gets one":             {[]v1.Descriptor{desc("a", ""), desc("b", "")}, []v1.Descriptor{desc("a", "r")}, []v1.Descriptor{desc("b", ""), desc("a", "r")}},
		"moved":                {[]v1.Descriptor{desc("a", "r"), desc("b", "s")}, []v1.Descriptor{desc("b", "r")}, []v1.Descriptor{desc("b", "r"), desc("b", "s")}},
		"that was there twice": {[]v1.Descriptor{desc("a", "r"), desc("b", "s"), desc("c", "r")}, []v1.Descriptor{desc("d", "r")}, []v1.Descriptor{desc("d", "r"), desc("b", "s")}},
	} {
		x := newIndex()
		for _, list := range [][]v1.Descriptor{c.had, c.put} {
			for _, d := range list {
				if len(list) == len(c.had) && &list[0] == &c.had[0] {
					raw, _ := json.Marshal(d) //nolint:errchkjson // of strings
					x.manifests = append(x.manifests, entry{raw, d})
				} else if err := x.put(d); err != nil {
					t.Fatal(err)
				}
			}
		}
		raw, err := x.bytes()
		if err != nil {
			t.Fatal(err)
		}
		var got v1.Index
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c.want, got.Manifests); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// TestNamedPart: on file systems without files that have no names, a part has one of its
// own, which is gone afterwards.
func TestNamedPart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	for n, create := range []func() (*part, error){f.create, f.createNamed} {
		for _, text := range []string{"first", "second"} { // the second in the place of the first
			p, err := create()
			if err != nil {
				t.Fatal(err)
			}
			other, err := create() // is dropped
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.WriteString(text); err != nil {
				t.Fatal(err)
			}
			if err := p.commit(f, "name"); err != nil {
				t.Fatal(err)
			}
			p.drop()
			other.drop()
			if b, err := os.ReadFile(filepath.Join(dir, "name")); err != nil || string(b) != text {
				t.Errorf("%d: %q, %v", n, b, err)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
				t.Errorf("%d: %v, %v", n, left, err)
			}
		}
	}
}
