package ocicopy_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/ocicopy"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open opens a store for as long as the test lasts.
func open(t *testing.T, made *storetest.Store) *cstor.Storage {
	t.Helper()
	s, err := cstor.Open(t.Context(), made.Root, cstor.Options{})
	check(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func image(t *testing.T, s *cstor.Storage, name string) *cstor.Image {
	t.Helper()
	i, err := s.Image(name)
	check(t, err)
	return i
}

// readLayout reads a layout and checks that every blob has its digest, that every one is
// referred to, and that there is nothing else.
func readLayout(t *testing.T, dir string) (v1.Index, map[digest.Digest][]byte) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "oci-layout"))
	check(t, err)
	if got, want := string(raw), `{"imageLayoutVersion":"1.0.0"}`; got != want {
		t.Errorf("oci-layout: %s", got)
	}
	blobs := map[digest.Digest][]byte{}
	files, err := filepath.Glob(filepath.Join(dir, "blobs", "*", "*"))
	check(t, err)
	for _, f := range files {
		d := digest.NewDigestFromEncoded(digest.Algorithm(filepath.Base(filepath.Dir(f))), filepath.Base(f))
		b, err := os.ReadFile(f)
		check(t, err)
		if d.Validate() != nil || d.Algorithm().FromBytes(b) != d {
			t.Errorf("%s: other content", f)
		}
		blobs[d] = b
	}
	entries, err := os.ReadDir(dir)
	check(t, err)
	for _, e := range entries {
		if n := e.Name(); n != "blobs" && n != "oci-layout" && n != "index.json" {
			t.Errorf("%s is there", n)
		}
	}
	var index v1.Index
	raw, err = os.ReadFile(filepath.Join(dir, "index.json"))
	check(t, err)
	check(t, json.Unmarshal(raw, &index))
	return index, blobs
}

// manifest reads that of a reference, and checks sizes.
func manifest(t *testing.T, index v1.Index, blobs map[digest.Digest][]byte, ref string) (v1.Descriptor, v1.Manifest) {
	t.Helper()
	var m v1.Manifest
	for _, d := range index.Manifests {
		if d.Annotations[v1.AnnotationRefName] != ref {
			continue
		}
		check(t, json.Unmarshal(blobs[d.Digest], &m))
		for _, part := range append([]v1.Descriptor{d, m.Config}, m.Layers...) {
			if b, ok := blobs[part.Digest]; !ok || int64(len(b)) != part.Size {
				t.Errorf("%s: blob of %d bytes, and %d are announced", part.Digest, len(b), part.Size)
			}
		}
		return d, m
	}
	t.Fatalf("no reference %q", ref)
	return v1.Descriptor{}, m
}

func TestLayout(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, storetest.Sample, storetest.Options{})
	s := open(t, made)
	dir := filepath.Join(t.TempDir(), "layout")
	for _, info := range made.Images() {
		if info.Config == nil {
			continue
		}
		i := image(t, s, info.ID)
		report, err := ocicopy.Copy(t.Context(), []ocicopy.Image{{Image: i, Ref: "r"}}, ocicopy.Layout{Dir: dir}, ocicopy.Options{})
		check(t, err)
		index, blobs := readLayout(t, dir)
		d, m := manifest(t, index, blobs, "r")
		if got := report.Images[0].Descriptor; got.Digest != d.Digest || got.Size != d.Size {
			t.Errorf("%s: report %v, index %v", info.Name, got, d)
		}
		if !bytes.Equal(blobs[m.Config.Digest], info.Config) {
			t.Errorf("%s: another configuration", info.Name)
		}
		layers, err := i.Layers()
		check(t, err)
		if len(m.Layers) != len(layers) {
			t.Fatalf("%s: %d layers, want %d", info.Name, len(m.Layers), len(layers))
		}
		for n, l := range layers {
			if m.Layers[n].Digest != l.DiffID() || m.Layers[n].MediaType != v1.MediaTypeImageLayer {
				t.Errorf("%s: layer %d: %v", info.Name, n, m.Layers[n])
			}
		}
	}
}
