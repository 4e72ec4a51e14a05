package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/distribution/reference"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/ocisource"
)

// layoutStores are stores of each writer and form, all of whose images are copied. Of a store that another one lends from,
// images are in both.
var layoutStores = []string{
	"machine-root", "trixie-root-vfs", "trixie-root-estargz", "trixie-user-fuse", "sid-root-additional", "sid-root-split", "sid-root-composefs", "library-root",
}

// TestLayoutsAreValid copies the images of stores into layouts, by each compression, and compares all there is in them: blobs
// with digests and sizes, layers with diff ids, images with the store's ids and names. What is compressed by gzip is also
// shown to go-containerregistry, whose validator knows nothing else. Added to once more, no blob is written again.
func TestLayoutsAreValid(t *testing.T) {
	needRoot(t)
	for _, name := range layoutStores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := named(t, name)
			images := exactImages(t, openStore(t, s))
			for n, flags := range [][]string{{"--compression=none"}, {"--compression=gzip", "--manifest-format=docker"}, {"--compression=zstd"}} {
				dir := filepath.Join(t.TempDir(), "layout")
				args := slices.Concat(flags, slices.Sorted(maps.Keys(images)), []string{dir})
				digests, said := copyToOCI(t, s, args...)
				if len(digests) != len(images) {
					t.Errorf("%v: %d of %d images: %s", flags, len(digests), len(images), said)
				}
				sameImages(t, images, dir)
				if n == 1 {
					validLayout(t, dir)
				}
				if n > 0 {
					continue
				}
				before := inodes(t, dir)
				if again, said := copyToOCI(t, s, args...); !slices.Equal(digests, again) {
					t.Errorf("%v: again: %s\n%v", flags, said, again)
				}
				if after := inodes(t, dir); !slices.Equal(before, after) {
					t.Errorf("%v: blobs were written again:\n%v\n%v", flags, before, after)
				}
				sameImages(t, images, dir)
			}
			t.Logf("%d images", len(images))
		})
	}
}

// exactImages are the images of which everything can be had: manifest, configuration, and all layers exactly. They are by the
// names by which they shall be copied.
func exactImages(t *testing.T, st *cstor.Storage) map[string]*cstor.Image {
	t.Helper()
	images, exact := map[string]*cstor.Image{}, map[string]bool{}
	for i, err := range st.Images() {
		if err != nil {
			t.Fatal(err)
		}
		instance, err := i.Instance(v1.Platform{})
		if err != nil {
			continue
		}
		source, err := ocisource.Open(t.Context(), instance, ocisource.Options{})
		if err != nil {
			continue
		}
		good := true
		for _, l := range source.Layers() {
			id := l.Stored().ID()
			if _, asked := exact[id]; !asked {
				_, err := l.Write(t.Context(), io.Discard, nil)
				exact[id] = err == nil
			}
			good = good && exact[id]
		}
		_ = source.Close() // was only read
		for _, name := range i.Names() {
			if _, err := reference.ParseNormalizedNamed(name); err == nil && good {
				images[name] = instance
			}
		}
	}
	if len(images) == 0 {
		t.Fatal("no image of the store is complete")
	}
	return images
}

func validLayout(t *testing.T, dir string) {
	t.Helper()
	index, err := layout.ImageIndexFromPath(dir)
	if err == nil {
		err = validate.Index(index)
	}
	if err != nil {
		t.Errorf("%s: %v", dir, err)
	}
	left, err := filepath.Glob(dir + "/.*")
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// sameImages compares a layout with the images that it should have.
func sameImages(t *testing.T, images map[string]*cstor.Image, dir string) {
	t.Helper()
	var index v1.Index
	readJSON(t, filepath.Join(dir, "index.json"), &index)
	seen := map[string]bool{}
	for _, d := range index.Manifests {
		name := d.Annotations[v1.AnnotationRefName]
		want := images[name]
		if want == nil || seen[name] {
			t.Errorf("%q was not to be copied, or is there twice", name)
			continue
		}
		seen[name] = true
		var m v1.Manifest
		var config v1.Image
		checkBlob(t, dir, d)
		readJSON(t, blobFile(dir, d), &m)
		checkBlob(t, dir, m.Config)
		readJSON(t, blobFile(dir, m.Config), &config)
		parsed, raw, err := want.Config()
		if err != nil {
			t.Fatal(err)
		}
		if raw != nil && m.Config.Digest != digest.FromBytes(raw) {
			t.Errorf("%s: configuration %s, want %s", name, m.Config.Digest, digest.FromBytes(raw))
		}
		// An image that was pulled by its table of contents has an id of the store's making.
		if got := m.Config.Digest.Encoded(); raw != nil && !byTOC(t, want) && got != want.ID() {
			t.Errorf("%s: id %s, want %s", name, got, want.ID())
		}
		if raw != nil && !slices.Equal(config.RootFS.DiffIDs, parsed.RootFS.DiffIDs) || len(config.RootFS.DiffIDs) != len(m.Layers) {
			t.Errorf("%s: diff ids %v, want %v, and %d layers", name, config.RootFS.DiffIDs, parsed.RootFS.DiffIDs, len(m.Layers))
			continue
		}
		for n, l := range m.Layers {
			if got := checkBlob(t, dir, l); got != config.RootFS.DiffIDs[n] {
				t.Errorf("%s: layer %d has diff id %s, want %s", name, n, got, config.RootFS.DiffIDs[n])
			}
			for key := range l.Annotations {
				if strings.Contains(key, "zstd-chunked") || strings.Contains(key, "stargz") {
					t.Errorf("%s: layer %d: annotation %s does not hold any more", name, n, key)
				}
			}
		}
	}
	if len(seen) != len(images) {
		t.Errorf("%d images in the layout, want %d", len(seen), len(images))
	}
}

// checkBlob compares a blob with its descriptor, and returns the digest of what it holds, uncompressed.
func checkBlob(t *testing.T, dir string, d v1.Descriptor) digest.Digest {
	t.Helper()
	raw, err := os.ReadFile(blobFile(dir, d))
	if err != nil {
		t.Error(err)
		return ""
	}
	if digest.FromBytes(raw) != d.Digest || int64(len(raw)) != d.Size {
		t.Errorf("blob %s has digest %s and %d bytes, want %d", d.Digest, digest.FromBytes(raw), len(raw), d.Size)
	}
	var r io.Reader = bytes.NewReader(raw)
	switch {
	case strings.HasSuffix(d.MediaType, "gzip"):
		r, err = gzip.NewReader(r)
	case strings.HasSuffix(d.MediaType, "zstd"):
		r, err = zstd.NewReader(r)
	}
	if err != nil {
		t.Errorf("blob %s, %s: %v", d.Digest, d.MediaType, err)
		return ""
	}
	sum, err := digest.FromReader(r)
	if err != nil {
		t.Errorf("blob %s, %s: %v", d.Digest, d.MediaType, err)
	}
	return sum
}

// byTOC reports whether some layer of the image is known by its table of contents.
func byTOC(t *testing.T, i *cstor.Image) bool {
	t.Helper()
	all, err := i.Layers()
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(all, func(l *cstor.Layer) bool { return l.TOCDigest() != "" })
}

func blobFile(dir string, d v1.Descriptor) string {
	return filepath.Join(dir, "blobs", d.Digest.Algorithm().String(), d.Digest.Encoded())
}

func readJSON(t *testing.T, name string, v any) {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(raw, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// inodes lists the blobs of a layout, each with what changes when it is written again.
func inodes(t *testing.T, dir string) (all []string) {
	t.Helper()
	blobs, err := filepath.Glob(dir + "/blobs/*/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range blobs {
		var st syscall.Stat_t
		if err := syscall.Stat(name, &st); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s %d %v", filepath.Base(name), st.Ino, st.Mtim))
	}
	return all
}

// TestCopyReadOnly copies from a store on a read-only mount without lock files: the manifests are those of the store itself.
func TestCopyReadOnly(t *testing.T) {
	needRoot(t)
	s := named(t, "machine-root")
	args := slices.Concat([]string{"--compression=gzip"}, copied)
	want, _ := copyToOCI(t, s, append(args, filepath.Join(t.TempDir(), "layout"))...)
	got, said := copyToOCI(t, freeze(t, s), append(args, filepath.Join(t.TempDir(), "layout"))...)
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v: %s", got, want, said)
	}
}
