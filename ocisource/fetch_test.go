package ocisource_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/ocisource"
)

// TestSeek: a layer is read as any file is.
func TestSeek(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, small, storetest.Options{})
	for _, c := range []ocisource.Compression{ocisource.None, ocisource.Gzip} {
		s := source(t, image(t, made, "i"), ocisource.Options{Compression: c})
		d, err := s.Layers()[0].Prepare(t.Context(), nil)
		check(t, err)
		fetch := func() io.ReadSeeker {
			r, err := s.Fetch(t.Context(), d)
			check(t, err)
			t.Cleanup(func() { check(t, r.Close()) })
			return r.(io.ReadSeeker)
		}
		want, err := io.ReadAll(fetch())
		check(t, err)
		if digest.FromBytes(want) != d.Digest {
			t.Fatalf("%s: other content", c)
		}
		if err := iotest.TestReader(fetch(), want); err != nil {
			t.Errorf("%s: %v", c, err)
		}
		r := fetch()
		_, err = r.Seek(-600, io.SeekEnd)
		check(t, err)
		end, err := io.ReadAll(r)
		if !bytes.Equal(end, want[len(want)-600:]) || err != nil {
			t.Errorf("%s: %d bytes of the end, %v", c, len(end), err)
		}
	}
}

// TestSeekWithoutRecipe: a layer of an additional layer store is a blob.
func TestSeekWithoutRecipe(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, small, storetest.Options{})
	lent := t.TempDir()
	made.Apply(t, storetest.Lend("l", lent, nil))
	defer os.Chmod(filepath.Join(storetest.LentPath(lent, made.Layer("l")), "diff"), 0o700) // so that it can be removed
	store, err := cstor.Open(t.Context(), made.Root, cstor.Options{AdditionalLayerStores: []string{lent}})
	check(t, err)
	defer store.Close()
	i, err := store.Image("i")
	check(t, err)
	s := source(t, i, ocisource.Options{})
	d, ok := s.Layers()[0].Descriptor()
	if !ok {
		t.Fatal("not known")
	}
	r, err := s.Fetch(t.Context(), d)
	check(t, err)
	defer r.Close()
	if err := iotest.TestReader(r, made.Layer("l").Tar); err != nil {
		t.Error(err)
	}
}

// TestClosed: nothing goes on afterwards.
func TestClosed(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, small, storetest.Options{})
	s := source(t, image(t, made, "i"), ocisource.Options{Compression: ocisource.Zstd})
	d, err := s.Layers()[0].Prepare(t.Context(), nil)
	check(t, err)
	check(t, s.Close())
	_, err = s.Fetch(t.Context(), d)
	if !errors.Is(err, fs.ErrClosed) {
		t.Errorf("fetch: %v", err)
	}
	if _, err = s.Resolve(t.Context(), ""); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("resolve: %v", err)
	}
	if _, err = s.Layers()[1].Write(t.Context(), io.Discard, nil); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("write: %v", err)
	}
}

// TestNotThere: what is no part of the image.
func TestNotThere(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, small, storetest.Options{})
	s := source(t, image(t, made, "i"), ocisource.Options{})
	config, _ := s.Config()
	manifest, _, err := s.Manifest(t.Context())
	check(t, err)
	layer, _ := s.Layers()[0].Descriptor()
	for name, d := range map[string]v1.Descriptor{
		"other": {Digest: digest.FromString("other"), Size: 5}, "none": {},
		"config's size": {Digest: config.Digest, Size: 1}, "manifest's size": {Digest: manifest.Digest, Size: 1}, "layer's size": {Digest: layer.Digest, Size: 1},
	} {
		if ok, err := s.Exists(t.Context(), d); ok || err != nil {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
		if _, err := s.Fetch(t.Context(), d); !errors.Is(err, ocisource.ErrNotFound) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Resolve(t.Context(), digest.FromString("other").String()); !errors.Is(err, ocisource.ErrNotFound) {
		t.Error(err)
	}
	if d, err := s.Resolve(t.Context(), manifest.Digest.String()); err != nil || d.Digest != manifest.Digest {
		t.Error(err)
	}
}

// TestCanceled: whoever waits for a layer can be called away.
func TestCanceled(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, small, storetest.Options{})
	s := source(t, image(t, made, "i"), ocisource.Options{Compression: ocisource.Gzip})
	ctx, cancel := context.WithCancelCause(t.Context())
	mine := errors.New("mine")
	cancel(mine)
	if _, err := s.Resolve(ctx, ""); !errors.Is(err, mine) {
		t.Error(err)
	}
	if _, _, err := s.Manifest(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
