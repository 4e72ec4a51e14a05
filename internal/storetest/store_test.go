package storetest_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor/internal/storetest"
)

func TestImages(t *testing.T) {
	t.Parallel()
	s := storetest.New(t, `
layer a compression=gzip
  file a
layer b parent=a
  file b
image localhost/oci:1,localhost/oci@digest layer=b as=oci
image localhost/docker:1 layer=a format=docker platform=linux/arm64/v8
image localhost/empty:1
index localhost/list:1 instances=oci,localhost/docker:1
index localhost/pulled:1 instances=oci,localhost/docker:1 in=oci
`, storetest.Options{})
	oci, list := s.Image("oci"), s.Image("localhost/list:1")
	if got := []string{s.Layer("a").ID, s.Layer("b").ID}; !slices.Equal(got, oci.Layers) {
		t.Errorf("layers %q, want %q", oci.Layers, got)
	}
	if want := []string{"localhost/pulled:1", "localhost/oci:1", "localhost/oci@" + oci.Digest}; !slices.Equal(oci.Names, want) {
		t.Errorf("names %q, want %q", oci.Names, want)
	}
	if s.Image("localhost/pulled:1").ID != oci.ID {
		t.Error("the name of the index does not lead to the image")
	}
	listDigest := storetest.Digest(list.Manifest)
	if want := []string{"manifest", "manifest-" + oci.Digest, "manifest-" + listDigest, storetest.Digest(oci.Config)}; !slices.Equal(oci.BigData(), want) {
		t.Errorf("big data %q, want %q", oci.BigData(), want)
	}
	records := readRecords(t, oci.Record)
	if len(records) != 4 {
		t.Errorf("%d records, want 4", len(records))
	}
	if got := records[oci.ID]["digest"]; got != listDigest {
		t.Errorf("digest of an image pulled through a list: %v", got)
	}
	if _, found := records[list.ID]["layer"]; found {
		t.Error("a list has a layer")
	}
	for _, img := range s.Images() {
		var m struct{ Config struct{ Digest string } }
		if err := json.Unmarshal(img.Manifest, &m); err != nil || img.Config != nil && m.Config.Digest != storetest.Digest(img.Config) {
			t.Errorf("%s: config %q, %v", img.Name, m.Config.Digest, err)
		}
		for key, digest := range records[img.ID]["big-data-digests"].(map[string]any) {
			data, err := os.ReadFile(filepath.Join(img.Dir, storetest.BigDataName(key)))
			if err != nil || storetest.Digest(data) != digest {
				t.Errorf("%s: item %q: %v", img.Name, key, err)
			}
		}
	}
}

func TestContainers(t *testing.T) {
	t.Parallel()
	s := storetest.New(t, `
layer a
  file a
layer upper parent=a
  file new
image i layer=a
container one image=i layer=upper
container two image=i volatile
container scratch
`, storetest.Options{})
	for name, file := range map[string]string{
		"one": "containers.json", "two": "volatile-containers.json", "scratch": "containers.json",
	} {
		c := s.Container(name)
		if filepath.Base(c.Record) != file {
			t.Errorf("%s is in %s", name, c.Record)
		}
		if r := readRecords(t, c.Record)[c.ID]; r["layer"] != c.Layer.ID || r["image"] != c.Image {
			t.Errorf("%s: record %v", name, r)
		}
		if r := readRecords(t, c.Layer.Record)[c.Layer.ID]; r == nil || r["diff-digest"] != nil {
			t.Errorf("%s: layer record %v", name, r)
		}
		if _, err := os.Lstat(c.Layer.TarSplit); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: tar-split: %v", name, err)
		}
	}
	if got := filepath.Base(s.Container("two").Layer.Record); got != "volatile-layers.json" {
		t.Errorf("layer of a volatile container is in %s", got)
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	parent := storetest.New(t, "layer a\nfile a\nimage i layer=a", storetest.Options{})
	const spec = "layer b parent=a\nfile b\nimage j layer=b\ncontainer c image=i"
	for name, tt := range map[string]struct {
		opts                     storetest.Options
		layer, split, upper, img string
	}{
		"plain": {
			storetest.Options{},
			"overlay-layers/layers.json", "overlay-layers", "overlay-layers/layers.json", "overlay-images/images.json",
		},
		"split": {
			storetest.Options{ImageStore: "is"},
			"is/overlay-layers/layers.json", "overlay-layers", "overlay-layers/layers.json", "is/overlay-images/images.json",
		},
		"old split": {
			storetest.Options{ImageStore: "is", Old: true},
			"overlay-layers/layers.json", "overlay-layers", "overlay-layers/layers.json", "is/overlay-images/images.json",
		},
		"transient": {
			storetest.Options{Transient: true},
			"overlay-layers/layers.json", "overlay-layers", "../run/overlay-layers/volatile-layers.json", "overlay-images/images.json",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.opts.Parents = []*storetest.Store{parent}
			s := storetest.New(t, spec, tt.opts)
			rel := func(path string) string {
				r, err := filepath.Rel(s.Root, path)
				if err != nil {
					t.Fatal(err)
				}
				return r
			}
			b := s.Layer("b")
			got := []string{rel(b.Record), rel(filepath.Dir(b.TarSplit)), rel(s.Container("c").Layer.Record), rel(s.Image("j").Record)}
			if diff := cmp.Diff([]string{tt.layer, tt.split, tt.upper, tt.img}, got); diff != "" {
				t.Error(diff)
			}
			if b.Parent != parent.Layer("a").ID || s.Container("c").Image != parent.Image("i").ID {
				t.Error("parent layer or image was not found in the other store")
			}
			if records := readRecords(t, b.Record); records[b.ID] == nil || records[b.Parent] != nil {
				t.Errorf("records %v", records)
			}
		})
	}
}

func TestLocks(t *testing.T) {
	t.Parallel()
	s := storetest.New(t, "", storetest.Options{})
	path := filepath.Join(s.Root, "overlay-layers", "layers.lock")
	before, err := os.ReadFile(path)
	if err != nil || len(before) != 64 {
		t.Fatalf("token of %d bytes, %v", len(before), err)
	}
	if err := s.Written("layers"); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.ReadFile(path); len(after) != 64 || slices.Equal(before, after) {
		t.Errorf("token %x after %x", after, before)
	}
	none := storetest.New(t, "", storetest.Options{NoLocks: true})
	for _, root := range []string{none.Root, none.RunRoot} {
		if found, _ := filepath.Glob(filepath.Join(root, "*", "*.lock")); len(found) > 0 {
			t.Errorf("locks %q", found)
		}
	}
}

func TestMany(t *testing.T) {
	t.Parallel()
	spec, err := storetest.Many(7, 30)
	if err != nil {
		t.Fatal(err)
	}
	s := spec.New(t, storetest.Options{})
	if len(s.Images()) != 7 || len(s.Layers()) != 30 {
		t.Errorf("%d images, %d layers", len(s.Images()), len(s.Layers()))
	}
	total := 0
	for _, img := range s.Images() {
		total += len(img.Layers)
	}
	if total != 30 {
		t.Errorf("images have %d layers", total)
	}
	checkLayers(t, s)
	if _, err := storetest.Many(2, 1); err == nil {
		t.Error("no error for fewer layers than images")
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	storetest.AsUser(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "store")
		s, err := storetest.Build(dir, "layer a\ndir d 0500\nfile d/f", storetest.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Remove(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
}

func TestIDs(t *testing.T) {
	t.Parallel()
	s := storetest.New(t, "layer a\nfile a\nlayer b parent=a\nfile b\nlayer c parent=b chunked by-toc\nfile c\nlayer d id=mine\nfile d",
		storetest.Options{})
	hexOf := func(text string) string { return storetest.Digest([]byte(text))[len("sha256:"):] }
	bare := func(digest string) string { return digest[len("sha256:"):] }
	a, b, c := s.Layer("a"), s.Layer("b"), s.Layer("c")
	for name, want := range map[string]string{
		"a": bare(a.DiffID),
		"b": hexOf(a.ID + "+" + bare(b.DiffID)),
		"c": hexOf(b.ID + "+@TOC=" + bare(c.TOCDigest)),
		"d": "mine",
	} {
		if got := s.Layer(name).ID; got != want {
			t.Errorf("layer %q: id %q, want %q", name, got, want)
		}
	}
}
