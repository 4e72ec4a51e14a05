package ocisource_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/memory"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/ocisource"
)

// A source is what oras-go copies from, though this package does not import it.
var _ oras.ReadOnlyTarget = (*ocisource.Source)(nil)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func image(t *testing.T, made *storetest.Store, name string) *cstor.Image {
	t.Helper()
	s, err := cstor.Open(t.Context(), made.Root, cstor.Options{})
	check(t, err)
	t.Cleanup(func() { _ = s.Close() })
	i, err := s.Image(name)
	check(t, err)
	return i
}

func source(t *testing.T, i *cstor.Image, opts ocisource.Options) *ocisource.Source {
	t.Helper()
	if opts.Spool == "" {
		opts.Spool = t.TempDir()
	}
	s, err := ocisource.Open(t.Context(), i, opts)
	check(t, err)
	t.Cleanup(func() { check(t, s.Close()) })
	return s
}

// copied copies a source by oras-go, which checks every digest and size, and returns the
// manifest and the content of blobs.
func copied(t *testing.T, s *ocisource.Source) (v1.Manifest, func(v1.Descriptor) []byte) {
	t.Helper()
	to := memory.New()
	d, err := oras.Copy(t.Context(), s, "", to, "v1", oras.CopyOptions{})
	check(t, err)
	get := func(d v1.Descriptor) []byte {
		b, err := content.FetchAll(t.Context(), to, d)
		check(t, err)
		return b
	}
	var m v1.Manifest
	check(t, json.Unmarshal(get(d), &m))
	if m.MediaType != d.MediaType || m.SchemaVersion != 2 {
		t.Errorf("manifest %q, version %d, of descriptor %q", m.MediaType, m.SchemaVersion, d.MediaType)
	}
	return m, get
}

func plain(t *testing.T, b []byte) []byte {
	t.Helper()
	var r io.Reader = bytes.NewReader(b)
	switch {
	case bytes.HasPrefix(b, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(r)
		check(t, err)
		r = z
	case bytes.HasPrefix(b, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(r)
		check(t, err)
		defer z.Close()
		r = z
	}
	b, err := io.ReadAll(r)
	check(t, err)
	return b
}

// TestEveryImage: every image, in every form, has its configuration and its layers.
func TestEveryImage(t *testing.T) {
	t.Parallel()
	forms := []struct {
		opts      ocisource.Options
		mediaType string
	}{
		{ocisource.Options{}, v1.MediaTypeImageLayer},
		{ocisource.Options{Compression: ocisource.Gzip}, v1.MediaTypeImageLayerGzip},
		{ocisource.Options{Compression: ocisource.Gzip, Level: 9}, v1.MediaTypeImageLayerGzip},
		{ocisource.Options{Compression: ocisource.Zstd}, v1.MediaTypeImageLayerZstd},
		{ocisource.Options{Compression: ocisource.Zstd, Level: 19}, v1.MediaTypeImageLayerZstd},
		{ocisource.Options{Format: ocisource.Docker}, "application/vnd.docker.image.rootfs.diff.tar"},
		{ocisource.Options{Format: ocisource.Docker, Compression: ocisource.Gzip}, "application/vnd.docker.image.rootfs.diff.tar.gzip"},
	}
	for name, spec := range map[string]string{
		"sample": storetest.Sample, "quirks": storetest.Quirks,
		"docker": "layer l compression=gzip\n file f 0644 size=3M\nlayer m parent=l\n file g 0644 \"g\"\nimage d layer=m format=docker\n",
		"twice":  "layer e id=" + strings.Repeat("1", 64) + "\nlayer f parent=e id=" + strings.Repeat("2", 64) + "\nimage two layer=f\n",
		"none":   "image nothing\n",
		"toc":    "layer c chunked compression=zstd\n file f 0644 size=100K seed=1\nimage chunked layer=c\n",
		"by toc": "layer c chunked by-toc compression=zstd\n file f 0644 size=100K seed=1\nimage bytoc layer=c\n",
	} {
		made := storetest.New(t, spec, storetest.Options{})
		for _, info := range made.Images() {
			if info.Config == nil {
				continue
			}
			i := image(t, made, info.ID)
			for _, form := range forms {
				opts, mediaType := form.opts, form.mediaType
				m, get := copied(t, source(t, i, opts))
				wantConfig, wantManifest := v1.MediaTypeImageConfig, v1.MediaTypeImageManifest
				if opts.Format == ocisource.Docker {
					wantConfig, wantManifest = "application/vnd.docker.container.image.v1+json", cstor.MediaTypeDockerManifest
				}
				if m.Config.MediaType != wantConfig || m.MediaType != wantManifest || !bytes.Equal(get(m.Config), info.Config) {
					t.Errorf("%s, %s, %+v: %s, config %v", name, info.Name, opts, m.MediaType, m.Config)
				}
				if len(m.Layers) != len(info.Layers) {
					t.Fatalf("%s, %s, %+v: %d layers", name, info.Name, opts, len(m.Layers))
				}
				layers, err := i.Layers()
				check(t, err)
				for n, d := range m.Layers {
					want := layerOf(made, layers[n].ID()).Tar
					if d.MediaType != mediaType || !bytes.Equal(plain(t, get(d)), want) {
						t.Errorf("%s, %s, %+v: layer %d, %s, is not the tar", name, info.Name, opts, n, d.MediaType)
					}
					for key := range d.Annotations {
						t.Errorf("%s, %s: layer %d has annotation %s", name, info.Name, n, key)
					}
				}
			}
		}
	}
}

func layerOf(made *storetest.Store, id string) storetest.LayerInfo {
	for _, l := range made.Layers() {
		if l.ID == id {
			return l
		}
	}
	panic("no layer " + id)
}

const small = "layer l\n  file f 0644 size=300K\n  file g 0644 size=5K seed=1\nlayer m parent=l\n  file h 0600 \"h\"\nimage i layer=m\n"

// TestUncompressedNeedsNoContent: digests and sizes come from the records.
func TestUncompressedNeedsNoContent(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, small, storetest.Options{})
	made.Apply(t, storetest.RemoveFile("l", "f"), storetest.RemoveTarSplit("l"))
	s := source(t, image(t, made, "i"), ocisource.Options{})
	d, err := s.Resolve(t.Context(), "anything:1")
	check(t, err)
	if ok, err := s.Exists(t.Context(), v1.Descriptor{Digest: digest.Digest(made.Layer("l").DiffID), Size: made.Layer("l").Size}); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	if _, err := s.Fetch(t.Context(), d); err != nil {
		t.Error(err)
	}
	if _, err := s.Fetch(t.Context(), v1.Descriptor{Digest: digest.Digest(made.Layer("l").DiffID), Size: made.Layer("l").Size}); err == nil {
		t.Error("a layer without recipe")
	}
}

// TestUnknownIsHashedFirst: where the records are silent, or not to be trusted.
func TestUnknownIsHashedFirst(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(record map[string]any){
		"no diff id":         func(r map[string]any) { delete(r, "diff-digest") },
		"no size":            func(r map[string]any) { delete(r, "diff-size") },
		"size of a contents": func(r map[string]any) { r["toc-digest"], r["diff-size"] = r["diff-digest"], int64(1)<<40 },
	} {
		made := storetest.New(t, small, storetest.Options{Driver: "vfs"}) // its records are asked, not the tree
		made.Apply(t, storetest.EditLayer("l", edit))
		s := source(t, image(t, made, "i"), ocisource.Options{})
		_, known := s.Layers()[0].Descriptor()
		d, err := s.Layers()[0].Prepare(t.Context(), nil)
		want := made.Layer("l")
		switch {
		case name == "size of a contents" || name == "no size":
			// The recipe is held to the recorded size.
			if known {
				t.Errorf("%s: %v is taken for known", name, d)
			}
			if err == nil && (d.Digest.String() != want.DiffID || d.Size != want.Size) {
				t.Errorf("%s: %v", name, d)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case known, d.Digest.String() != want.DiffID, d.Size != want.Size:
			t.Errorf("%s: known %v, %v", name, known, d)
		}
	}
}

// TestCompressedOnce: whoever asks, and however many do.
func TestCompressedOnce(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, small, storetest.Options{})
	spool := t.TempDir()
	s := source(t, image(t, made, "i"), ocisource.Options{Compression: ocisource.Gzip, Spool: spool})
	l := s.Layers()[0]
	var mu sync.Mutex
	var read int64
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			_, err := l.Prepare(t.Context(), func(n int64) {
				mu.Lock()
				defer mu.Unlock()
				read += n
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if want := made.Layer("l").Size; read != want {
		t.Errorf("%d bytes were read of a layer of %d", read, want)
	}
	made.Apply(t, storetest.RemoveTarSplit("l")) // nobody needs it any more
	var b bytes.Buffer
	var told int64
	d, err := l.Write(t.Context(), &b, func(n int64) { told += n })
	check(t, err)
	if told != read {
		t.Errorf("%d bytes were told of from the spool, and %d from the store", told, read)
	}
	if _, err := l.Write(t.Context(), &full{}, nil); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), made.Root) || !strings.Contains(err.Error(), made.Layer("l").ID) {
		t.Errorf("from the spool to where there is no room: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Write(ended, io.Discard, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("from the spool: %v", err)
	}
	if digest.FromBytes(b.Bytes()) != d.Digest || int64(b.Len()) != d.Size {
		t.Errorf("%d bytes, not those of %v", b.Len(), d)
	}
	copied(t, s)
	if left, err := os.ReadDir(spool); err != nil || len(left) > 0 {
		t.Errorf("the spool has %v, %v", left, err)
	}
}

// TestWrittenThenFetched: what was only written is compressed again, to the same.
func TestWrittenThenFetched(t *testing.T) {
	t.Parallel()
	for _, c := range []ocisource.Compression{ocisource.Gzip, ocisource.Zstd, ocisource.None} {
		made := storetest.New(t, small, storetest.Options{})
		s := source(t, image(t, made, "i"), ocisource.Options{Compression: c})
		other := source(t, s.Image(), ocisource.Options{Compression: c})
		for n, l := range s.Layers() {
			d, err := l.Write(t.Context(), io.Discard, nil)
			check(t, err)
			check(t, other.Layers()[n].Adopt(d))
			d.Size++
			if err := other.Layers()[n].Adopt(d); err == nil {
				t.Error("a layer has two descriptors")
			}
		}
		one, _, err := s.Manifest(t.Context())
		check(t, err)
		two, _, err := other.Manifest(t.Context())
		check(t, err)
		if one.Digest != two.Digest {
			t.Errorf("%s: %v, %v", c, one, two)
		}
		copied(t, s)
	}
}
