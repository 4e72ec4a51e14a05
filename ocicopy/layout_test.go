package ocicopy_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"
	"oras.land/oras-go/v2/content"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/ocicopy"
	"github.com/cstor-go/cstor/ocisource"
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
	if string(raw) != `{"imageLayoutVersion":"1.0.0"}` {
		t.Errorf("oci-layout: %s", raw)
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

// blobsOf are the names and inodes of a layout's blobs.
func blobsOf(t *testing.T, dir string) map[string]uint64 {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "blobs", "*", "*"))
	check(t, err)
	all := map[string]uint64{}
	for _, f := range files {
		var st unix.Stat_t
		check(t, unix.Lstat(f, &st))
		all[filepath.Base(f)] = st.Ino
	}
	return all
}

// TestLayout: every image of a store in one layout, added one by one.
func TestLayout(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, storetest.Sample, storetest.Options{})
	s := open(t, made)
	dir := filepath.Join(t.TempDir(), "a", "layout")
	var refs []string
	for _, info := range made.Images() {
		if info.Config == nil {
			continue
		}
		i := image(t, s, info.ID)
		report, err := ocicopy.Copy(t.Context(), []ocicopy.Image{{Image: i}}, ocicopy.Layout{Dir: dir}, ocicopy.Options{})
		check(t, err)
		ref := report.Images[0].Ref
		refs = append(refs, ref)
		if names := i.Names(); len(names) > 0 && ref != names[0] || len(names) == 0 && ref != "" {
			t.Errorf("%q, of %q", ref, names)
		}
		index, blobs := readLayout(t, dir)
		d, m := manifest(t, index, blobs, ref)
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
	index, blobs := readLayout(t, dir)
	for _, ref := range refs {
		manifest(t, index, blobs, ref)
	}
	if len(index.Manifests) != len(refs) {
		t.Errorf("%d manifests of %d images", len(index.Manifests), len(refs))
	}
	before := blobsOf(t, dir)
	// All at once into another: the same, byte for byte, but for the order of the index.
	var all []ocicopy.Image
	for _, info := range made.Images() {
		if info.Config != nil {
			all = append(all, ocicopy.Image{Image: image(t, s, info.ID)})
		}
	}
	other := filepath.Join(t.TempDir(), "other")
	_, err := ocicopy.Copy(t.Context(), all, ocicopy.Layout{Dir: other}, ocicopy.Options{Parallel: 3})
	check(t, err)
	again, blobs2 := readLayout(t, other)
	if len(blobs2) != len(blobs) || !slices.EqualFunc(index.Manifests, again.Manifests, content.Equal) {
		t.Errorf("%d blobs and %v, apart %d and %v", len(blobs2), again.Manifests, len(blobs), index.Manifests)
	}
	// And over it: nothing is written.
	report, err := ocicopy.Copy(t.Context(), all, ocicopy.Layout{Dir: dir}, ocicopy.Options{})
	check(t, err)
	if after := blobsOf(t, dir); !maps.Equal(after, before) || report.Written != 0 || report.Reused != report.Layers || report.Layers == 0 {
		t.Errorf("written again: %+v", report)
	}
}

const two = "layer l\n  file f 0644 size=3M\nlayer m parent=l\n  file g 0644 size=200K seed=1\nlayer n parent=l\n  file h 0644 \"h\"\n" +
	"image localhost/one:1 layer=m\nimage localhost/two:2 layer=n\n"

// TestCompressed: what comes out is what ocisource makes, and shared layers are
// compressed once.
func TestCompressed(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, two, storetest.Options{})
	s := open(t, made)
	images := []ocicopy.Image{{Image: image(t, s, "one:1")}, {Image: image(t, s, "two:2"), Ref: "other"}}
	for _, c := range []ocisource.Compression{ocisource.Gzip, ocisource.Zstd} {
		dir := t.TempDir()
		var mu sync.Mutex
		moved, steps := map[*ocisource.Layer]int64{}, map[ocicopy.Step]int{}
		report, err := ocicopy.Copy(t.Context(), images, ocicopy.Layout{Dir: dir}, ocicopy.Options{
			Source: ocisource.Options{Compression: c},
			Progress: func(e ocicopy.Event) {
				mu.Lock()
				defer mu.Unlock()
				steps[e.Step]++
				if e.Step == ocicopy.Moved {
					moved[e.Layer] += e.Bytes
				}
			},
		})
		check(t, err)
		if len(moved) != 3 || steps[ocicopy.Started] != 3 || steps[ocicopy.Done] != 3 || report.Layers != 3 || report.Written == 0 {
			t.Errorf("%s: %v, %+v", c, steps, report)
		}
		for l, n := range moved {
			if n != l.Stored().DiffSize() {
				t.Errorf("%s: %d bytes of a layer of %d", c, n, l.Stored().DiffSize())
			}
		}
		index, blobs := readLayout(t, dir)
		for n, ref := range []string{"localhost/one:1", "other"} {
			d, _ := manifest(t, index, blobs, ref)
			src, err := ocisource.Open(t.Context(), images[n].Image, ocisource.Options{Compression: c, Spool: t.TempDir()})
			check(t, err)
			want, err := src.Resolve(t.Context(), "")
			check(t, err)
			check(t, src.Close())
			if d.Digest != want.Digest {
				t.Errorf("%s, %s: %v, want %v", c, ref, d, want)
			}
		}
		// Made again, since nobody knows before what comes out, and then not written.
		before := blobsOf(t, dir)
		report, err = ocicopy.Copy(t.Context(), images, ocicopy.Layout{Dir: dir}, ocicopy.Options{Source: ocisource.Options{Compression: c}})
		check(t, err)
		if after := blobsOf(t, dir); !maps.Equal(after, before) || report.Written != 0 || report.Reused != 3 {
			t.Errorf("%s: written again: %+v", c, report)
		}
	}
}

// TestReuse: what is there and right stays, what is there and wrong is replaced, what is
// missing is written.
func TestReuse(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, two, storetest.Options{})
	i := image(t, open(t, made), "one:1")
	config, err := func() (string, error) { _, raw, err := i.Config(); return digest.FromBytes(raw).Encoded(), err }()
	check(t, err)
	lower, upper := digest.Digest(made.Layer("l").DiffID).Encoded(), digest.Digest(made.Layer("m").DiffID).Encoded()
	for name, c := range map[string]struct {
		spoil   func(file string) error
		which   string
		written int
	}{
		"nothing":    {func(string) error { return nil }, lower, 0},
		"removed":    {os.Remove, lower, 1},
		"cut":        {func(file string) error { return os.Truncate(file, 5) }, upper, 1},
		"changed":    {func(file string) error { return overwrite(file, "x") }, upper, 1},
		"of config":  {func(file string) error { return overwrite(file, "x") }, config, 0},
		"a fifo":     {func(file string) error { return errors.Join(os.Remove(file), unix.Mkfifo(file, 0o600)) }, lower, 1},
		"unreadable": {func(file string) error { return errors.Join(os.Remove(file), os.Symlink("/nowhere", file)) }, lower, 1},
	} {
		dir := t.TempDir()
		copyIt := func() ocicopy.Report {
			report, err := ocicopy.Copy(t.Context(), []ocicopy.Image{{Image: i, Ref: "r"}}, ocicopy.Layout{Dir: dir}, ocicopy.Options{})
			check(t, err)
			return report
		}
		copyIt()
		before := blobsOf(t, dir)
		check(t, c.spoil(filepath.Join(dir, "blobs", "sha256", c.which)))
		report := copyIt()
		index, blobs := readLayout(t, dir)
		manifest(t, index, blobs, "r")
		if got := report.Layers - report.Reused; got != c.written {
			t.Errorf("%s: %d layers were written", name, got)
		}
		for b, inode := range blobsOf(t, dir) {
			if b != c.which && inode != before[b] {
				t.Errorf("%s: blob %s was written too", name, b)
			}
		}
	}
}

func overwrite(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt([]byte(text), 0)
	return errors.Join(err, f.Close())
}

// TestIndexKeeps: what others put into the index stays, and one name means one image.
func TestIndexKeeps(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, two, storetest.Options{})
	s := open(t, made)
	dir := t.TempDir()
	copyAs := func(name, ref string) v1.Descriptor {
		report, err := ocicopy.Copy(t.Context(), []ocicopy.Image{{Image: image(t, s, name), Ref: ref}}, ocicopy.Layout{Dir: dir}, ocicopy.Options{})
		check(t, err)
		return report.Images[0].Descriptor
	}
	one := copyAs("one:1", "a")
	foreign := fmt.Sprintf(`{"digest":%q,"mediaType":"x/y","my":[1,{"z":2}],"size":0}`, digest.FromString("foreign"))
	raw, err := os.ReadFile(filepath.Join(dir, "index.json"))
	check(t, err)
	raw = bytes.Replace(raw, []byte(`"manifests":[`), []byte(`"annotations":{"k":"v"},"my":{"x":1e3},"manifests":[`+foreign+`,`), 1)
	check(t, os.WriteFile(filepath.Join(dir, "index.json"), raw, 0o644))
	copyAs("one:1", "b")
	d := copyAs("two:2", "a")
	raw, err = os.ReadFile(filepath.Join(dir, "index.json"))
	check(t, err)
	for _, want := range []string{`"annotations":{"k":"v"}`, `"my":{"x":1e3}`, foreign} {
		if !bytes.Contains(raw, []byte(want)) {
			t.Errorf("%s is gone: %s", want, raw)
		}
	}
	var index v1.Index
	check(t, json.Unmarshal(raw, &index))
	got := map[string]digest.Digest{}
	for _, m := range index.Manifests {
		got[m.Annotations[v1.AnnotationRefName]] = m.Digest
	}
	want := map[string]digest.Digest{"": digest.FromString("foreign"), "a": d.Digest, "b": one.Digest}
	if !maps.Equal(got, want) || len(index.Manifests) != 3 {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestTwoAtOnce: of many copies into one layout none loses another's reference.
func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, two, storetest.Options{})
	s := open(t, made)
	dir := filepath.Join(t.TempDir(), "layout")
	var all sync.WaitGroup
	const copies = 12
	for n := range copies {
		all.Go(func() {
			name := []string{"one:1", "two:2"}[n%2]
			i, err := s.Image(name)
			if err == nil {
				_, err = ocicopy.Copy(t.Context(), []ocicopy.Image{{Image: i, Ref: fmt.Sprint("r", n)}}, ocicopy.Layout{Dir: dir}, ocicopy.Options{})
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	index, blobs := readLayout(t, dir)
	for n := range copies {
		manifest(t, index, blobs, fmt.Sprint("r", n))
	}
}
