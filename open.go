package cstor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/storageconf"
)

// Options of [Open]. The zero value opens a store by its root alone.
type Options struct {
	// Driver is "overlay" or "vfs"; empty means the one that the root has.
	Driver string
	// RunRoot is needed for transient stores only, whose lists of containers lie
	// there. If it is not there yet, as on a machine that has just booted, the store
	// has no containers, and [Storage.Refresh] looks for it again.
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
	if opts.ImageStore != "" {
		if opts.ImageStore, err = filepath.Abs(opts.ImageStore); err != nil {
			return nil, err
		}
	}
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
	if err == nil {
		snaps, err = s.firstSnapshots(ctx)
	}
	if err != nil {
		_ = s.Close() // nothing was written
		return nil, err
	}
	s.snaps.Store(&snaps)
	return s, nil
}

// firstSnapshots reads the lists of all configurations. In a mounted system a user whose
// lists cannot be read is left out, unless nobody remains.
func (s *Storage) firstSnapshots(ctx context.Context) ([]*snapshot, error) {
	var snaps []*snapshot
	var first error
	for n := 0; n < len(s.configs); {
		places := s.configs[n]
		snap, err := takeSnapshot(ctx, places, &s.trees, roomFor(snaps, nil))
		if err == nil {
			snaps = append(snaps, snap)
			n++
			continue
		}
		owner := places[0].owner
		if owner == "" || ctx.Err() != nil {
			return nil, err
		}
		s.warnings = append(s.warnings, fmt.Errorf("user %s left out: %w", owner, err))
		s.configs = slices.Delete(s.configs, n, n+1)
		_ = closePlaces(places) // were only read
		if first == nil {
			first = err
		}
	}
	if len(snaps) == 0 {
		return nil, first
	}
	return snaps, nil
}
