package storetest

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Build builds the store of s with root dir.
func (s Spec) Build(dir string, opts Options) (*Store, error) {
	b, err := newBuilder(dir, opts)
	if err != nil {
		return nil, err
	}
	if err := b.all(s); err != nil {
		return nil, err
	}
	for i, f := range s.Faults {
		if err := f(b.Store); err != nil {
			return nil, fmt.Errorf("fault %d: %w", i+1, err)
		}
	}
	return b.Store, nil
}

// builder is a Store in the making, with the records that go to disk at the end.
type builder struct {
	*Store

	layerFiles     map[string][]layerRecord // by path of the JSON file
	containerFiles map[string][]containerRecord
	imageInfos     []*ImageInfo
	ids            map[string]string // layer name by layer id
}

func newBuilder(dir string, opts Options) (*builder, error) {
	opts.Driver = cmp.Or(opts.Driver, "overlay")
	if opts.Time.IsZero() {
		opts.Time = DefaultTime
	}
	if opts.ForceMask != 0 {
		opts.Whiteouts = WhiteoutsFiles
	}
	switch {
	case opts.Driver != "overlay" && opts.Driver != "vfs":
		return nil, fmt.Errorf("unknown driver %q", opts.Driver)
	case opts.Transient && opts.RunRoot == "":
		return nil, errors.New("a transient store needs a run root")
	}
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if opts.ImageStore != "" && !filepath.IsAbs(opts.ImageStore) {
		opts.ImageStore = filepath.Join(root, opts.ImageStore)
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, err
	}
	can, err := probe(root, opts.Whiteouts)
	if err != nil {
		return nil, err
	}
	store := &Store{
		Root: root, RunRoot: opts.RunRoot, ImageStore: opts.ImageStore, Driver: opts.Driver,
		opts: opts, can: can,
	}
	return &builder{
		Store:          store,
		layerFiles:     map[string][]layerRecord{},
		containerFiles: map[string][]containerRecord{},
		ids:            map[string]string{},
	}, nil
}

func (b *builder) all(s Spec) error {
	upper := map[string]bool{} // layers that containers name
	for _, c := range s.Containers {
		upper[c.Layer] = true
	}
	for _, l := range s.Layers {
		l.Container = l.Container || upper[l.Name]
		if err := b.layer(l); err != nil {
			return fmt.Errorf("layer %q: %w", l.Name, err)
		}
	}
	for _, img := range s.Images {
		if err := b.image(img); err != nil {
			return fmt.Errorf("image %q: %w", img.Names, err)
		}
	}
	for _, x := range s.Indexes {
		if err := b.index(x); err != nil {
			return fmt.Errorf("index %q: %w", x.Name, err)
		}
	}
	for _, c := range s.Containers {
		if err := b.container(c); err != nil {
			return fmt.Errorf("container %q: %w", c.Name, err)
		}
	}
	return b.save()
}

// dir is a folder of records: kind is "layers", "images" or "containers".
func (s *Store) dir(root, kind string) string { return filepath.Join(root, s.Driver+"-"+kind) }

// imageRoot is where images and the trees of their layers lie.
func (s *Store) imageRoot() string { return cmp.Or(s.ImageStore, s.Root) }

// save writes the JSON files and the locks.
func (b *builder) save() error {
	layers, images := b.dir(b.Root, "layers"), b.dir(b.imageRoot(), "images")
	files := []string{filepath.Join(layers, "layers.json")}
	if b.ImageStore != "" && !b.opts.Old {
		files = append(files, filepath.Join(b.dir(b.ImageStore, "layers"), "layers.json"))
	}
	for _, f := range files {
		b.layerFiles[f] = append([]layerRecord{}, b.layerFiles[f]...) // written even if empty
	}
	records := make([]imageRecord, len(b.imageInfos))
	for i, info := range b.imageInfos {
		records[i] = info.record
	}
	err := writeJSON(filepath.Join(images, "images.json"), records)
	for path, list := range b.layerFiles {
		err = errors.Join(err, writeJSON(path, list))
	}
	for path, list := range b.containerFiles {
		err = errors.Join(err, writeJSON(path, list))
	}
	containers := b.dir(b.containerRoot(), "containers")
	err = errors.Join(err, os.MkdirAll(containers, 0o755), os.MkdirAll(filepath.Join(layers, "tmp"), 0o700))
	if b.RunRoot != "" {
		err = errors.Join(err, writeFile(filepath.Join(b.dir(b.RunRoot, "layers"), "mountpoints.json"), []byte("[]"), 0o600))
	}
	if b.Driver == "overlay" {
		text := fmt.Sprint(b.can.whiteouts == WhiteoutsFiles)
		err = errors.Join(err, writeFile(filepath.Join(b.Root, "overlay", ".has-mount-program"), []byte(text), 0o600))
	}
	if err != nil || b.opts.NoLocks {
		return err
	}
	// An empty lock file makes old libraries read everything again at every
	// call, because they find no token to compare (podman 4.3: minutes for
	// some thousand layers).
	tokens := []string{filepath.Join(b.Root, "storage.lock")}
	if b.RunRoot != "" {
		tokens = append(tokens, filepath.Join(b.dir(b.RunRoot, "layers"), "mountpoints.lock"))
	}
	for _, path := range tokens {
		err = errors.Join(err, writeFile(path, token(filepath.Base(path), b.opts.Time, 0), 0o644))
	}
	err = errors.Join(err, writeFile(filepath.Join(b.Root, "userns.lock"), nil, 0o644))
	for _, kind := range []string{"layers", "images", "containers"} {
		err = errors.Join(err, b.Written(kind))
	}
	return err
}

// Written puts a new last-writer token into the lock file of kind: "layers",
// "images" or "containers". Writers do so before they replace a JSON file; call
// it after a Fault that should be seen by a reader that watches tokens.
func (s *Store) Written(kind string) error {
	var dirs []string
	switch kind {
	case "layers":
		dirs = []string{s.dir(s.Root, kind)}
		if s.ImageStore != "" {
			dirs = append(dirs, s.dir(s.ImageStore, kind))
		}
	case "images":
		dirs = []string{s.dir(s.imageRoot(), kind)}
	case "containers":
		dirs = []string{s.dir(s.containerRoot(), kind)}
	default:
		return fmt.Errorf("no lock for %q", kind)
	}
	s.writes++
	for _, dir := range dirs {
		if err := writeFile(filepath.Join(dir, kind+".lock"), token(kind, s.opts.Time, s.writes), 0o644); err != nil {
			return err
		}
	}
	return nil
}
