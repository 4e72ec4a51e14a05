package ocisource_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/ocisource"
)

func TestBadOptions(t *testing.T) {
	t.Parallel()
	i := image(t, storetest.New(t, small, storetest.Options{}), "i")
	for name, opts := range map[string]ocisource.Options{
		"compression":     {Compression: "xz"},
		"format":          {Format: "schema1"},
		"level of none":   {Level: 1},
		"level of gzip":   {Compression: ocisource.Gzip, Level: 10},
		"level below":     {Compression: ocisource.Zstd, Level: -1},
		"level of zstd":   {Compression: ocisource.Zstd, Level: 23},
		"zstd for docker": {Compression: ocisource.Zstd, Format: ocisource.Docker},
	} {
		if s, err := ocisource.Open(t.Context(), i, opts); !errors.Is(err, ocisource.ErrOptions) {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
}

// setManifest gives an image another manifest, and records its digest.
func setManifest(image, raw string) []storetest.Fault {
	return []storetest.Fault{
		storetest.SetBigData(image, "manifest", raw),
		storetest.EditImage(image, func(r map[string]any) {
			r["big-data-digests"].(map[string]any)["manifest"] = storetest.Digest([]byte(raw))
			r["digest"] = storetest.Digest([]byte(raw))
		}),
	}
}

// setConfig gives an image another configuration, which its manifest names.
func setConfig(made *storetest.Store, image string, edit func(*v1.Image)) []storetest.Fault {
	info := made.Image(image)
	var c v1.Image
	_ = json.Unmarshal(info.Config, &c) // was made by us
	edit(&c)
	raw, _ := json.Marshal(c) //nolint:errchkjson // of strings
	d := storetest.Digest(raw)
	faults := setManifest(image, strings.ReplaceAll(string(info.Manifest), storetest.Digest(info.Config), d))
	return append(faults, storetest.EditImage(image, func(r map[string]any) {
		r["big-data-names"] = append(r["big-data-names"].([]any), d)
		r["big-data-digests"].(map[string]any)[d] = d
		r["big-data-sizes"].(map[string]any)[d] = len(raw)
	}), storetest.SetBigData(image, d, string(raw)))
}

func TestBadImages(t *testing.T) {
	t.Parallel()
	mismatch := func(err error) bool { var m *cstor.MismatchError; return errors.As(err, &m) }
	for name, c := range map[string]struct {
		faults func(made *storetest.Store) []storetest.Fault
		want   func(error) bool
	}{
		"no manifest": {func(*storetest.Store) []storetest.Fault {
			return []storetest.Fault{storetest.EditImage("i", func(r map[string]any) { r["big-data-names"] = []any{} })}
		}, func(err error) bool { return errors.Is(err, cstor.ErrIncomplete) }},
		"no config": {func(*storetest.Store) []storetest.Fault {
			return []storetest.Fault{storetest.RemoveBigData("i", "config")}
		}, func(err error) bool { return errors.Is(err, cstor.ErrDamaged) }},
		"other config": {func(made *storetest.Store) []storetest.Fault {
			return []storetest.Fault{storetest.SetBigData("i", storetest.Digest(made.Image("i").Config), "{}")}
		}, mismatch},
		"layer gone": {func(*storetest.Store) []storetest.Fault {
			return []storetest.Fault{storetest.DropLayer("l")}
		}, func(err error) bool { return errors.Is(err, cstor.ErrDamaged) }},
		"fewer layers": {func(made *storetest.Store) []storetest.Fault {
			return []storetest.Fault{storetest.EditImage("i", func(r map[string]any) { r["layer"] = made.Layer("l").ID })}
		}, func(err error) bool {
			return errors.Is(err, cstor.ErrDamaged) && strings.Contains(err.Error(), "names 2 layers")
		}},
		"other layers": {func(made *storetest.Store) []storetest.Fault {
			return setConfig(made, "i", func(c *v1.Image) { c.RootFS.DiffIDs[0] = digest.FromString("x") })
		}, mismatch},
		"odd diff id": {func(made *storetest.Store) []storetest.Fault {
			return setConfig(made, "i", func(c *v1.Image) { c.RootFS.DiffIDs[0] = "../../etc" })
		}, func(err error) bool { return err != nil }},
	} {
		made := storetest.New(t, small, storetest.Options{})
		i := image(t, made, "i") // before, so that it is found
		id := i.ID()
		made.Apply(t, c.faults(made)...)
		i = image(t, made, id)
		if s, err := ocisource.Open(t.Context(), i, ocisource.Options{}); err == nil || !c.want(err) || !strings.Contains(err.Error(), id) {
			t.Errorf("%s: opened %t, %v", name, s != nil, err)
		}
	}
}

// TestDamagedLayers: what is not the layer is found out, compressed or not, and a layer
// that the store cannot check is checked by the configuration.
func TestDamagedLayers(t *testing.T) {
	t.Parallel()
	for _, compression := range []ocisource.Compression{ocisource.None, ocisource.Gzip, ocisource.Zstd} {
		for name, faults := range map[string][]storetest.Fault{
			"content": {storetest.CorruptFile("l", "f")},
			"missing": {storetest.RemoveFile("l", "f")},
			"by config": {storetest.CorruptFile("l", "f"), storetest.EditLayer("l", func(r map[string]any) {
				delete(r, "diff-digest")
			})},
			"size": {storetest.EditLayer("l", func(r map[string]any) { r["diff-size"] = 4096 })},
		} {
			made := storetest.New(t, small, storetest.Options{})
			made.Apply(t, faults...)
			s := source(t, image(t, made, "i"), ocisource.Options{Compression: compression})
			if d, err := s.Layers()[0].Write(t.Context(), io.Discard, nil); err == nil || !strings.Contains(err.Error(), made.Layer("l").ID) {
				t.Errorf("%s, %s: written: %v, %v", compression, name, d, err)
			}
			d, _, err := s.Manifest(t.Context())
			if compression != ocisource.None && err == nil {
				t.Errorf("%s, %s: a manifest, %v", compression, name, d)
			}
			if _, err := s.Layers()[1].Prepare(t.Context(), nil); err != nil {
				t.Errorf("%s, %s: the other layer: %v", compression, name, err)
			}
		}
	}
}

// TestOtherLayer: a layer whose diff id the store does not know must be the one that the
// configuration names, however whole it is.
func TestOtherLayer(t *testing.T) {
	t.Parallel()
	for _, c := range []ocisource.Compression{ocisource.None, ocisource.Gzip} {
		made := storetest.New(t, small, storetest.Options{})
		id := image(t, made, "i").ID()
		made.Apply(t, setConfig(made, "i", func(c *v1.Image) { c.RootFS.DiffIDs[0] = digest.FromString("x") })...)
		made.Apply(t, storetest.EditLayer("l", func(r map[string]any) { delete(r, "diff-digest") }))
		s := source(t, image(t, made, id), ocisource.Options{Compression: c})
		for _, err := range []error{
			func() error { _, err := s.Layers()[0].Prepare(t.Context(), nil); return err }(),
			func() error { _, err := s.Layers()[0].Write(t.Context(), io.Discard, nil); return err }(),
		} {
			if !strings.Contains(err.Error(), made.Root) {
				t.Errorf("%s: which store? %v", c, err)
			}
			if m := (*cstor.MismatchError)(nil); !errors.As(err, &m) || m.Want != digest.FromString("x").String() || m.Got != made.Layer("l").DiffID {
				t.Errorf("%s: %v", c, err)
			}
		}
	}
}

// TestShortLayer: a stream never ends as if it were whole.
func TestShortLayer(t *testing.T) {
	t.Parallel()
	for _, by := range []int64{-512, 512} {
		made := storetest.New(t, small, storetest.Options{})
		size := made.Layer("l").Size + by
		made.Apply(t, storetest.EditLayer("l", func(r map[string]any) { r["diff-size"] = size }))
		s := source(t, image(t, made, "i"), ocisource.Options{})
		d, _ := s.Layers()[0].Descriptor()
		r, err := s.Fetch(t.Context(), d)
		check(t, err)
		if n, err := io.Copy(io.Discard, r); err == nil {
			t.Errorf("%+d: %d bytes of %d, and no error", by, n, size)
		} else if !strings.Contains(err.Error(), made.Root) {
			t.Errorf("%+d: which store? %v", by, err)
		}
		_, err = r.(io.Seeker).Seek(-1, io.SeekEnd)
		check(t, err)
		if n, err := io.Copy(io.Discard, r); err == nil {
			t.Errorf("%+d, by index: %d bytes, and no error", by, n)
		} else if !strings.Contains(err.Error(), made.Root) {
			t.Errorf("%+d, by index: which store? %v", by, err)
		}
		check(t, r.Close())
	}
}

type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, syscall.ENOSPC
	}
	return len(p), nil
}

// TestWriterFails: its error is the one that is returned.
func TestWriterFails(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, strings.ReplaceAll(small, "size=300K", "size=6M"), storetest.Options{})
	for _, c := range []ocisource.Compression{ocisource.None, ocisource.Gzip, ocisource.Zstd} {
		s := source(t, image(t, made, "i"), ocisource.Options{Compression: c})
		for _, room := range []int{0, 100 << 10} {
			if _, err := s.Layers()[0].Write(t.Context(), &full{room}, nil); !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("%s, %d: %v", c, room, err)
			}
		}
		if _, err := s.Layers()[0].Write(t.Context(), io.Discard, nil); err != nil {
			t.Errorf("%s: afterwards: %v", c, err)
		}
	}
}

// TestNoSpool: the directory is named.
func TestNoSpool(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, small, storetest.Options{})
	s := source(t, image(t, made, "i"), ocisource.Options{Compression: ocisource.Gzip, Spool: "/nonexistent/spool"})
	if _, err := s.Resolve(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "/nonexistent/spool") {
		t.Error(err)
	}
}

// TestSpoolInStore: nothing is put there, not even in a directory that is made later.
func TestSpoolInStore(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, small, storetest.Options{})
	i := image(t, made, "i")
	dir := filepath.Join(made.Root, "overlay")
	later := filepath.Join(made.Root, "later")
	opts := ocisource.Options{Compression: ocisource.Zstd, Spool: dir}
	if _, err := ocisource.Open(t.Context(), i, opts); !errors.Is(err, ocisource.ErrInStore) || !strings.Contains(err.Error(), dir) {
		t.Error(err)
	}
	source(t, i, ocisource.Options{Spool: dir}) // nothing is compressed
	opts.Spool = later
	s := source(t, i, opts)
	check(t, os.Mkdir(later, 0o700))
	if _, err := s.Layers()[0].Prepare(t.Context(), nil); !errors.Is(err, ocisource.ErrInStore) {
		t.Error(err)
	}
}
