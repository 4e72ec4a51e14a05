package cstor_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/ondisk"
	"github.com/cstor-go/cstor/internal/storetest"
)

func image(tb testing.TB, s *cstor.Storage, ref string) *cstor.Image {
	tb.Helper()
	i, err := s.Image(ref)
	check(tb, err)
	return i
}

// TestRecords: images, layers and what belongs to them, in every shape of store.
func TestRecords(t *testing.T) {
	t.Parallel()
	for name, opts := range shapes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made := storetest.New(t, sampleFor(opts), opts)
			s := open(t, made)
			n := 0
			for i, err := range s.Images() {
				check(t, err)
				n++
				var want *storetest.ImageInfo
				for _, info := range made.Images() {
					if info.ID == i.ID() {
						want = &info
					}
				}
				if want == nil {
					t.Fatalf("nobody made image %s", i.ID())
				}
				raw, mediaType, err := i.Manifest()
				if err != nil || !bytes.Equal(raw, want.Manifest) || i.Digest().String() != want.Digest {
					t.Errorf("%v: manifest of %d bytes, digest %s, %v", i, len(raw), i.Digest(), err)
				}
				layers, err := i.Layers()
				check(t, err)
				if len(layers) != len(want.Layers) {
					t.Errorf("%v: %d layers, want %d", i, len(layers), len(want.Layers))
				}
				var size int64
				for n, l := range layers {
					if l.ID() != want.Layers[n] {
						t.Errorf("%v: layer %d is %s, want %s", i, n, l.ID(), want.Layers[n])
					}
					size += l.DiffSize()
					check(t, l.CheckLower())
				}
				if cstor.IsList(mediaType) {
					if _, _, err := i.Config(); !errors.Is(err, cstor.ErrIsList) {
						t.Errorf("%v: config of a list: %v", i, err)
					}
					continue
				}
				config, raw, err := i.Config()
				if err != nil || !bytes.Equal(raw, want.Config) || len(config.RootFS.DiffIDs) != len(layers) || config.OS != "linux" {
					t.Errorf("%v: config %+v, %v", i, config, err)
				}
				for _, key := range i.BigDataNames() {
					b, err := i.BigData(key)
					n, ok := i.BigDataSize(key)
					if err != nil || !ok || n != int64(len(b)) {
						t.Errorf("%v: big data %q: %d bytes, recorded %d, %v", i, key, len(b), n, err)
					}
					size += n
				}
				if have, err := i.Size(); err != nil || have != size {
					t.Errorf("%v: size %d, want %d, %v", i, have, size, err)
				}
			}
			if n != len(made.Images()) {
				t.Errorf("%d images, want %d", n, len(made.Images()))
			}
			containers := 0
			for c, err := range s.Containers() {
				check(t, err)
				containers++
				if c.ImageID() == "" || c.LayerID() == "" {
					t.Errorf("%+v", c)
				}
			}
			if containers != 1 {
				t.Errorf("%d containers", containers)
			}
		})
	}
}

func TestInstance(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, storetest.Sample, storetest.Options{})
	s := open(t, made)
	list := image(t, s, "multi")
	for _, test := range []struct{ platform, want string }{
		{"linux/amd64", "localhost/tools:latest"},
		{"linux/arm64", "tools-arm"},
		{"linux/arm64/v8", "tools-arm"},
		{"linux/arm64/v7", ""},
		{"windows/amd64", ""},
	} {
		p, err := cstor.ParsePlatform(test.platform)
		check(t, err)
		i, err := list.Instance(p)
		switch {
		case test.want == "":
			if !errors.Is(err, cstor.ErrNotFound) || !strings.Contains(err.Error(), "linux/arm64/v8") {
				t.Errorf("%s: %v, %v", test.platform, i, err)
			}
		case err != nil || i.ID() != made.Image(test.want).ID:
			t.Errorf("%s: %v, %v", test.platform, i, err)
		}
	}
	tools := image(t, s, "tools")
	if i, err := tools.Instance(v1.Platform{OS: "plan9", Architecture: "mips"}); err != nil || i != tools {
		t.Errorf("an image that is no list: %v, %v", i, err)
	}
	for _, bad := range []string{"", "/", "a/b/c/d", "linux//v8"} {
		if p, err := cstor.ParsePlatform(bad); err == nil {
			t.Errorf("%q: %+v", bad, p)
		}
	}
}

// TestDamagedImages: each fault is one error that names the store and the image.
func TestDamagedImages(t *testing.T) {
	t.Parallel()
	const name = "docker.io/library/sample:1"
	config := func(i *cstor.Image) error { _, _, err := i.Config(); return err }
	layers := func(i *cstor.Image) error { _, err := i.Layers(); return err }
	is := func(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }
	mismatch := func(err error) bool { return errors.As(err, new(*cstor.MismatchError)) }
	for what, test := range map[string]struct {
		fault storetest.Fault
		ask   func(*cstor.Image) error
		want  func(error) bool
	}{
		"manifest file gone":    {storetest.RemoveBigData(name, "manifest"), config, is(cstor.ErrDamaged)},
		"manifest changed":      {storetest.SetBigData(name, "manifest", `{"schemaVersion":2,"config":{}}`), config, mismatch},
		"manifest is not JSON":  {storetest.SetBigData(name, "manifest", "hello"), config, func(err error) bool { return err != nil }},
		"manifest is empty":     {storetest.SetBigData(name, "manifest", ""), config, func(err error) bool { return err != nil }},
		"manifest is huge":      {storetest.SetBigData(name, "manifest", strings.Repeat(" ", 65<<20)), config, func(err error) bool { return err != nil }},
		"config gone":           {storetest.RemoveBigData(name, "config"), config, is(cstor.ErrDamaged)},
		"config changed":        {nil, config, mismatch},
		"no manifest yet":       {storetest.EditImage(name, func(r map[string]any) { r["big-data-names"] = []any{} }), config, is(cstor.ErrIncomplete)},
		"no config yet":         {storetest.EditImage(name, func(r map[string]any) { r["big-data-names"] = []any{"manifest"} }), config, is(cstor.ErrIncomplete)},
		"digest is none":        {storetest.EditImage(name, func(r map[string]any) { r["big-data-digests"] = map[string]any{"manifest": "md5:x"} }), config, func(err error) bool { return err != nil }},
		"top layer gone":        {storetest.DropLayer("app"), layers, is(cstor.ErrDamaged)},
		"base layer gone":       {storetest.DropLayer("base"), layers, is(cstor.ErrDamaged)},
		"base layer incomplete": {storetest.EditLayer("base", func(r map[string]any) { r["flags"] = map[string]any{"incomplete": true} }), layers, is(cstor.ErrDamaged)},
		"own ancestor":          {storetest.SetParent("base", "app"), layers, is(cstor.ErrDamaged)},
		"own parent":            {storetest.SetParent("app", "app"), layers, is(cstor.ErrDamaged)},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			made := storetest.New(t, storetest.Sample, storetest.Options{})
			if test.fault == nil {
				test.fault = storetest.SetBigData(name, "sha256:"+made.Image(name).ID, "{}")
			}
			made.Apply(t, test.fault)
			i := image(t, open(t, made), made.Image(name).ID)
			err := test.ask(i)
			if !test.want(err) {
				t.Fatalf("error %v", err)
			}
			if !strings.Contains(err.Error(), made.Root) {
				t.Errorf("the error does not name the store: %v", err)
			}
			if errors.Is(err, fs.ErrNotExist) {
				t.Errorf("damage looks like absence: %v", err)
			}
		})
	}
}

// TestBadLists: a list that is not one is an error when it is asked, and only then.
func TestBadLists(t *testing.T) {
	t.Parallel()
	for what, text := range map[string]string{
		"truncated": `[{"id":"a"},{"id":`,
		"an object": `{}`,
		"traversal": `[{"id":"../../../etc"}]`,
		"NUL":       `[{"id":"a\u0000b"}]`,
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			made := storetest.New(t, storetest.Sample, storetest.Options{})
			made.Apply(t, storetest.WriteFile("overlay-layers/layers.json", text))
			s := open(t, made)
			for _, err := range s.Images() {
				check(t, err)
			}
			var bad *ondisk.FormatError
			for l, err := range s.Layers() {
				if !errors.As(err, &bad) || l != nil || !strings.Contains(err.Error(), made.Root) || !strings.Contains(err.Error(), "layers.json") {
					t.Errorf("%v, %v", l, err)
				}
			}
			if bad == nil {
				t.Error("no error")
			}
		})
	}
	made := storetest.New(t, storetest.Sample, storetest.Options{})
	path := filepath.Join(made.Root, "overlay-images", "images.json")
	check(t, os.Truncate(path, 100<<20)) // a hole: costs no space
	if _, err := cstor.Open(t.Context(), made.Root, cstor.Options{}); err == nil || !strings.Contains(err.Error(), "images.json") {
		t.Errorf("enormous: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	file := filepath.Join(empty, "file")
	check(t, os.WriteFile(file, nil, 0o644))
	btrfs := t.TempDir()
	check(t, os.MkdirAll(filepath.Join(btrfs, "btrfs-layers"), 0o755))
	both := t.TempDir()
	for _, d := range []string{"overlay", "vfs"} {
		check(t, os.MkdirAll(filepath.Join(both, d+"-layers"), 0o755))
		check(t, os.MkdirAll(filepath.Join(both, d+"-images"), 0o755))
	}
	var several *cstor.AmbiguousError
	for what, test := range map[string]struct {
		root, driver string
		want         func(error) bool
	}{
		"missing":        {filepath.Join(empty, "nothing"), "", func(err error) bool { return errors.Is(err, cstor.ErrNotStore) }},
		"empty":          {empty, "", func(err error) bool { return errors.Is(err, cstor.ErrNotStore) }},
		"a file":         {file, "", func(err error) bool { return err != nil }},
		"btrfs":          {btrfs, "", func(err error) bool { return errors.Is(err, cstor.ErrUnsupported) }},
		"btrfs, named":   {btrfs, "btrfs", func(err error) bool { return errors.Is(err, cstor.ErrUnsupported) }},
		"two drivers":    {both, "", func(err error) bool { return errors.As(err, &several) }},
		"other driver":   {btrfs, "overlay", func(err error) bool { return errors.Is(err, cstor.ErrNotStore) }},
		"no such driver": {both, "../..", func(err error) bool { return errors.Is(err, cstor.ErrUnsupported) }},
	} {
		s, err := cstor.Open(t.Context(), test.root, cstor.Options{Driver: test.driver})
		if !test.want(err) || s != nil || !strings.Contains(err.Error(), test.root) {
			t.Errorf("%s: %v, %v", what, s, err)
		}
	}
	s, err := cstor.Open(t.Context(), both, cstor.Options{Driver: "overlay2"})
	check(t, err)
	check(t, s.Close())
}

// TestLinks: the driver's own files, in good and in bad order.
func TestLinks(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, storetest.Sample, storetest.Options{Old: true}) // lower alone, no lower-layers
	s := open(t, made)
	app, base := made.Layer("app"), made.Layer("base")
	l, err := s.Layer(app.ID)
	check(t, err)
	if link, err := l.Link(); err != nil || link != app.Link {
		t.Errorf("link %q, %v", link, err)
	}
	for _, link := range []string{base.Link, "l/" + base.Link} {
		if id, err := s.ResolveLink(link); err != nil || id != base.ID {
			t.Errorf("%s: %q, %v", link, id, err)
		}
	}
	for _, link := range []string{"", "l/", "../" + base.Link, strings.Repeat("A", 26), strings.ToLower(base.Link)} {
		if id, err := s.ResolveLink(link); !errors.Is(err, cstor.ErrNotFound) {
			t.Errorf("%q: %q, %v", link, id, err)
		}
	}
	if ids, err := l.LowerIDs(); err != nil || len(ids) != 2 || ids[1] != base.ID {
		t.Errorf("lower %v, %v", ids, err)
	}
	made.Apply(t, storetest.RemoveLink("base")) // old versions lose them
	if id, err := s.ResolveLink(base.Link); err != nil || id != base.ID {
		t.Errorf("link removed: %q, %v", id, err)
	}
	if b, err := s.Layer(base.ID); err != nil || !errors.Is(b.CheckLower(), cstor.ErrDamaged) {
		t.Errorf("link removed: %v, %v", b.CheckLower(), err)
	}
	made.Apply(t, storetest.SetLink("names", "/etc"))
	if _, err := l.LowerIDs(); err != nil {
		t.Errorf("a link that leads elsewhere is found by the layer's own file: %v", err)
	}
	made.Apply(t, storetest.SetLower("app", "l/"+base.Link))
	if err := l.CheckLower(); !errors.As(err, new(*cstor.MismatchError)) {
		t.Errorf("lower is short: %v", err)
	}
	for _, text := range []string{"../../../etc", "l/../../..", "l/short", strings.Repeat("l/"+base.Link+":", 600) + "x", "/etc"} {
		made.Apply(t, storetest.SetLower("app", text))
		if ids, err := l.LowerIDs(); !errors.Is(err, cstor.ErrDamaged) {
			t.Errorf("lower %.40q: %v, %v", text, ids, err)
		}
	}
	made.Apply(t, storetest.SetLowerLayers("app", "../..:x/y"))
	if ids, err := l.LowerIDs(); !errors.Is(err, cstor.ErrDamaged) {
		t.Errorf("lower-layers: %v, %v", ids, err)
	}
}
