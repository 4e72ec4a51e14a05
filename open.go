package cstor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/idmap"
	"github.com/cstor-go/cstor/internal/storageconf"
)

// Options of [Open]. The zero value opens a store by its root alone.
type Options struct {
	// Driver is "overlay" or "vfs"; empty means the one that the root has.
	Driver string
	// RunRoot is needed for transient stores only, whose lists of containers lie
	// there.
	RunRoot string
	// Transient: the store's volatile lists are in RunRoot.
	Transient bool
	// ImageStore is where images and their layers are kept apart from the root;
	// empty if they are not.
	ImageStore string
	// AdditionalImageStores are the roots of further, read-only stores. One that
	// cannot be opened is left out, and [Storage.Warnings] says so.
	AdditionalImageStores []string
	// AdditionalLayerStores are where the trees of lazily pulled layers may lie: links
	// out of a store are followed into these directories and nowhere else. Only the
	// overlay driver has such layers. One that cannot be opened is an error of the
	// layers that need it.
	AdditionalLayerStores []string
	// Lock keeps writers out while a layer's tar is read: see [DiscoverOptions].
	Lock bool
	// Helper opens the layers' files: see [DiscoverOptions].
	Helper driver.Helper
}

// Open opens the store at root, the directory that has overlay-images or
// vfs-images. The caller closes the result. An error about the root is a
// [*StoreError] and matches [ErrNotStore], [ErrUnsupported], [*AmbiguousError] (of
// drivers) or what the system said. Symbolic links in root itself are followed.
func Open(ctx context.Context, root string, opts Options) (*Storage, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	s := &Storage{lock: opts.Lock, helper: opts.Helper, found: []Finding{{Kind: "flag", Name: "--root", State: "used", Why: root}}}
	cfg := storageconf.Config{
		GraphRoot: root, RunRoot: opts.RunRoot, Driver: driverName(opts.Driver), ImageStore: opts.ImageStore,
		AdditionalImageStores: opts.AdditionalImageStores, Transient: opts.Transient,
	}
	for _, path := range opts.AdditionalLayerStores {
		if path, err = filepath.Abs(path); err != nil {
			return nil, err
		}
		cfg.AdditionalLayerStores = append(cfg.AdditionalLayerStores, storageconf.LayerStore{Path: path})
	}
	return s.start(ctx, s.add(host, "", cfg))
}

func driverName(name string) string {
	if name == "overlay2" {
		return "overlay"
	}
	return name
}

// add opens the stores of one configuration.
func (s *Storage) add(from system, owner string, cfg storageconf.Config) error {
	driver, err := pickDriver(from, cfg)
	if err != nil {
		return err
	}
	primary, err := openPlace(cfg.GraphRoot, driver, RolePrimary, from.dir)
	if err != nil {
		return err
	}
	if s.have(primary) { // another user of a mounted system has the same
		return primary.close()
	}
	n := len(s.configs)
	s.configs = append(s.configs, []*place{primary})
	have := func(p *place) { s.configs[n] = append(s.configs[n], p) }
	if primary.transient = cfg.Transient; cfg.Transient && cfg.RunRoot != "" {
		// A machine that has just booted has no run root yet.
		if primary.run, err = from.dir(cfg.RunRoot); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return primary.fail("run root "+cfg.RunRoot, err)
		}
	}
	if cfg.ImageStore != "" && filepath.Clean(cfg.ImageStore) != cfg.GraphRoot {
		image, err := openPlace(cfg.ImageStore, driver, RoleImageStore, from.dir)
		if err != nil {
			return err
		}
		image.partner, primary.partner = primary, image
		have(image)
	}
	for _, path := range cfg.AdditionalImageStores {
		p, err := openPlace(path, driver, RoleAdditional, from.dir)
		if err != nil {
			s.warnings = append(s.warnings, fmt.Errorf("additional image store left out: %w", err))
			continue
		}
		have(p)
	}
	lenders := openLayerStores(from, cfg.AdditionalLayerStores)
	for _, p := range s.configs[n] {
		p.owner, p.lock, p.helper, p.layerStores = owner, s.lock, s.helper, lenders
		p.ids = sync.OnceValue(func() idmap.Maps { return storeIDs(from, p) })
		if owner != "" { // the mounted system's root does not stay open
			p.ids()
		}
	}
	return nil
}

// have reports whether the directory of p is the primary store of a configuration.
func (s *Storage) have(p *place) bool {
	st, err := p.root.Lstat(".")
	return err == nil && slices.ContainsFunc(s.configs, func(c []*place) bool {
		other, err := c[0].root.Lstat(".")
		return err == nil && other.Dev == st.Dev && other.Ino == st.Ino
	})
}

// pickDriver returns the driver whose store is at the root. The root is opened
// first, so that one that is not there, or may not be entered, is told as that.
func pickDriver(from system, cfg storageconf.Config) (string, error) {
	root := cfg.GraphRoot
	dir, err := from.dir(root)
	if err != nil {
		return "", rootError(root, err)
	}
	_, err = dir.Lstat("overlay-images") // whatever it is, it must not be refused
	_ = dir.Close()                      // was only read
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", rootError(root, err)
	}
	driver, err := storageconf.PickDriver(from, cfg)
	if several := (*storageconf.AmbiguousDriverError)(nil); errors.As(err, &several) {
		err = &AmbiguousError{Kind: "driver of", Ref: root, Candidates: several.Drivers}
	} else if errors.Is(err, storageconf.ErrNoStore) {
		err = fmt.Errorf("%w: it has neither overlay-images nor vfs-images", ErrNotStore)
	}
	if err != nil {
		return "", &StoreError{Store: root, Err: err}
	}
	return driver, nil
}

// start takes the first snapshots, unless the stores could not be opened.
func (s *Storage) start(ctx context.Context, err error) (*Storage, error) {
	var snaps []*snapshot
	for _, places := range s.configs {
		if err == nil {
			var snap *snapshot
			snap, err = takeSnapshot(ctx, places, &s.trees)
			snaps = append(snaps, snap)
		}
	}
	if err != nil {
		_ = s.Close() // nothing was written
		return nil, err
	}
	s.snaps.Store(&snaps)
	return s, nil
}
