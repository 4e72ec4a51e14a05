package corpus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/opencontainers/go-digest"
	"go.podman.io/image/v5/copy"
	"go.podman.io/image/v5/manifest"
	"go.podman.io/image/v5/oci/layout"
	istorage "go.podman.io/image/v5/storage"
	"go.podman.io/image/v5/types"
	"go.podman.io/storage"

	"github.com/cstor-go/cstor/conformance/fixture"
)

// OpenReference opens the store with the reference library, which writes into it: into locks, and into the JSON files
// when it finds something to repair. Further options are those of the driver, such as "overlay.mount_program=PATH". The
// caller ends it with Shutdown.
func (s *Store) OpenReference(more ...string) (storage.Store, error) {
	options := storage.StoreOptions{
		GraphRoot: s.GraphRoot, RunRoot: s.RunRoot, ImageStore: s.ImageStore,
		GraphDriverName: s.Driver, TransientStore: s.Transient,
	}
	for _, dir := range s.Additional {
		options.GraphDriverOptions = append(options.GraphDriverOptions, s.Driver+".imagestore="+dir)
	}
	for _, dir := range s.LayerStores {
		options.GraphDriverOptions = append(options.GraphDriverOptions, s.Driver+".additionallayerstore="+dir)
	}
	options.GraphDriverOptions = append(options.GraphDriverOptions, more...)
	return storage.GetStore(options)
}

// buildByLibrary makes a store with calls of the library alone, among them records that no tool writes today.
func (lab *Lab) buildByLibrary(ctx context.Context, c Corpus) (_ *Store, err error) {
	s := c.store(filepath.Join(lab.work, c.Name))
	ref, err := s.OpenReference()
	if err != nil {
		return nil, err
	}
	defer func() {
		_, e := ref.Shutdown(true)
		err = errors.Join(err, e)
	}()
	if slices.Contains(c.Steps, Archived) {
		s.refused, err = lab.pullArchives(ctx, ref)
		return s, err
	}
	for _, step := range []func(storage.Store) error{putLayers, putImages, putContainers} {
		if err := step(ref); err != nil {
			return nil, err
		}
	}
	s.refused, err = pullByLibrary(ctx, ref, filepath.Join(lab.in, "oci"))
	return s, err
}

func tarOf(name string) []byte {
	for _, l := range fixture.Layers() {
		if l.Name == name {
			return l.Tar
		}
	}
	panic("no layer " + name)
}

// putLayers makes a chain base ← change ← bare ← top and a layer beside it.
func putLayers(ref storage.Store) error {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = w.Write(tarOf("base")) // writing to a bytes.Buffer
	_ = w.Close()
	for _, l := range []struct {
		id, parent string
		names      []string
		options    *storage.LayerOptions
		diff       []byte
	}{
		{id: "base", diff: zipped.Bytes(), names: []string{"named-base", "another name"}},
		{id: "change", parent: "base", diff: tarOf("change"), options: &storage.LayerOptions{
			Flags:   map[string]any{"flag": "value", "number": 3.0},
			BigData: []storage.LayerBigDataOption{{Key: "Layer Data", Data: bytes.NewReader([]byte("of a layer"))}},
		}},
		{id: "bare", parent: "change"}, // no diff was applied: no digests, no tar-split
		{id: "top", parent: "bare", diff: tarOf("top")},
		{id: "basement", diff: tarOf("names")}, // shares a prefix with base
	} {
		var err error
		if l.diff == nil {
			_, err = ref.CreateLayer(l.id, l.parent, l.names, "", false, l.options)
		} else {
			_, _, err = ref.PutLayer(l.id, l.parent, l.names, "", false, l.options, bytes.NewReader(l.diff))
		}
		if err != nil {
			return fmt.Errorf("layer %s: %w", l.id, err)
		}
	}
	return nil
}

// keys need each rule of the names of big data files (container-libs storage/store.go:makeBigDataBaseName): kept as they
// are, in base64, and kept in spite of a last rune that should have them encoded.
var keys = []string{
	"plain", "with.dot.0", "UPPER", "two words", "dash-ed", "under_score", "with/slash", "ümlaut", "sha256:0",
	"lastX", "last-", "last ", "lasté", "X", "é", "tail\xff", "\xff", "new\n", "a\nb", "=", "=YQ==", "...", "manifest-",
}

func putImages(ref storage.Store) error {
	data := []storage.ImageBigDataOption{}
	for _, k := range keys {
		data = append(data, storage.ImageBigDataOption{Key: k, Data: []byte("value of " + k), Digest: digest.FromString("value of " + k)})
	}
	for _, img := range []struct {
		id      string
		names   []string
		layer   string
		options *storage.ImageOptions
	}{
		{"keys", []string{"localhost/keys:latest"}, "top", &storage.ImageOptions{BigData: data, Digest: digest.FromString("keys")}},
		{"nothing", nil, "", &storage.ImageOptions{NamesHistory: []string{"localhost/once:upon-a-time"}}},
		{"layered", []string{"not a reference", "localhost/layered:1"}, "change", &storage.ImageOptions{
			Metadata: `{"free":"text"}`, Flags: map[string]any{"f": true},
			Digests: []digest.Digest{digest.FromString("one"), digest.FromString("two")},
		}},
		{"lay", []string{"layered-not"}, "bare", nil}, // an id that is another's prefix
	} {
		if _, err := ref.CreateImage(img.id, img.names, img.layer, "", img.options); err != nil {
			return fmt.Errorf("image %s: %w", img.id, err)
		}
	}
	// Later items, several manifests among them, each of which the image answers to.
	for _, key := range []string{"manifest", "manifest-extra", "Manifest", "late"} {
		body := []byte(`{"key":"` + key + `"}`) // no manifest of any kind
		if err := ref.SetImageBigData("layered", key, body, manifest.Digest); err != nil {
			return fmt.Errorf("image big data %s: %w", key, err)
		}
	}
	return ref.AddNames("layered", []string{"localhost/layered:2"})
}

func putContainers(ref storage.Store) error {
	mapped := &storage.ContainerOptions{Flags: map[string]any{"Some": "flag"}, Metadata: "{}"}
	for _, c := range []struct {
		id, image string
		names     []string
		options   *storage.ContainerOptions
	}{
		{"plain", "keys", []string{"plain-name"}, mapped},
		{"volatile", "layered", []string{"v1", "v2"}, &storage.ContainerOptions{Volatile: true}},
		{"scratch", "", nil, nil},
	} {
		if _, err := ref.CreateContainer(c.id, c.names, c.image, "", "", c.options); err != nil {
			return fmt.Errorf("container %s: %w", c.id, err)
		}
	}
	return ref.SetContainerBigData("plain", "Some Data", []byte("of a container"))
}

// pullByLibrary makes the call that skopeo, podman and buildah make for a pull, of each image in the layout. It returns the
// foreign layers that the library refuses.
func pullByLibrary(ctx context.Context, ref storage.Store, oci string) (refused []string, err error) {
	for _, img := range fixture.Images() {
		if img.Architecture != "" {
			continue
		}
		err := pullOne(ctx, ref, oci, img.Ref, "localhost/fixture:"+img.Ref)
		if err != nil && !strings.HasPrefix(img.Ref, "foreign-") {
			return nil, fmt.Errorf("pull %s: %w", img.Ref, err)
		}
		if err != nil {
			refused = append(refused, img.Ref+": "+oneLine(err))
		}
	}
	return refused, nil
}

// pullArchives does what the step of build.sh does, and returns the archives that the library refuses.
func (lab *Lab) pullArchives(ctx context.Context, ref storage.Store) (refused []string, err error) {
	archives, err := lab.Archives()
	if err != nil {
		return nil, err
	}
	for _, a := range archives {
		if a.LeftOut != "" {
			continue
		}
		name := ArchiveName + a.Name
		if err := pullOne(ctx, ref, filepath.Join(lab.archived(), "oci"), a.Name, name); err != nil {
			refused = append(refused, name+": "+oneLine(err))
		}
	}
	return refused, nil
}

func pullOne(ctx context.Context, ref storage.Store, oci, tag, name string) error {
	src, err := layout.NewReference(oci, tag)
	if err != nil {
		return err
	}
	dst, err := istorage.Transport.ParseStoreReference(ref, name)
	if err != nil {
		return err
	}
	return copyImage(ctx, dst, src, &copy.Options{DestinationCtx: &types.SystemContext{}})
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
