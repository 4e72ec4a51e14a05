package cstor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

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
}

// Storage is one opened configuration. It holds descriptors of directories and lock
// files. It is safe for concurrent use.
type Storage struct {
	configs  [][]*place // each in lookup order; one, but in a mounted system
	warnings []error
	found    []Finding // how it was discovered

	snaps  atomic.Pointer[[]*snapshot] // one for each configuration
	mu     sync.Mutex                  // held by Refresh and Close
	closed atomic.Bool
	trees  trees
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
	s := &Storage{found: []Finding{{Kind: "flag", Name: "--root", State: "used", Why: root}}}
	return s.start(ctx, s.add(host, "", storageconf.Config{
		GraphRoot: root, RunRoot: opts.RunRoot, Driver: driverName(opts.Driver), ImageStore: opts.ImageStore,
		AdditionalImageStores: opts.AdditionalImageStores, Transient: opts.Transient,
	}))
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
	for _, p := range s.configs[n] {
		p.owner = owner
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

// Warnings are the troubles met while opening that did not prevent it, such as an
// additional store that is missing.
func (s *Storage) Warnings() []error { return s.warnings }

// Refresh takes a new snapshot if the store has changed since the last was taken.
// Values of the old one stay what they are. While nothing has changed it costs a
// system call or two for each list.
func (s *Storage) Refresh(ctx context.Context) (changed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, err := s.snapshots()
	if err != nil {
		return false, err
	}
	snaps := slices.Clone(old)
	for n, snap := range old {
		same, err := snap.unchanged()
		if err != nil {
			return false, err
		}
		if same {
			continue
		}
		if snaps[n], err = takeSnapshot(ctx, snap.places, &s.trees); err != nil {
			return false, err
		}
		changed = true
	}
	s.snaps.Store(&snaps)
	return changed, nil
}

// Close releases the directories. Files opened through s, and what has been read,
// stay valid; everything else fails with an error that matches [fs.ErrClosed].
// Closing twice is fine.
func (s *Storage) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Swap(true) {
		return nil
	}
	err := s.trees.close()
	for _, places := range s.configs {
		for _, p := range places {
			err = errors.Join(err, p.close())
		}
	}
	return err
}

func (s *Storage) snapshots() ([]*snapshot, error) {
	if s.closed.Load() {
		return nil, errClosed
	}
	return *s.snaps.Load(), nil
}

// search puts a question to the configurations in turn, until one has an answer.
func search[T any](s *Storage, ask func(*snapshot) (T, error)) (v T, err error) {
	snaps, err := s.snapshots()
	for _, snap := range snaps {
		if v, err = ask(snap); !errors.Is(err, ErrNotFound) {
			break
		}
	}
	return v, err
}

// Images yields the images of all stores in lookup order, each id once: the first
// store that has it wins. Images that are being pulled are among them. In a mounted
// system each user's stores count for themselves.
//
// A pair is (image, nil) or (nil, err); after an error the iteration ends. Yielded
// values may be kept. All of one iteration belong to one snapshot.
func (s *Storage) Images() iter.Seq2[*Image, error] {
	return list(s, func(n *snapshot) ([]*Image, error) {
		x, err := n.imageIndex()
		if err != nil {
			return nil, err
		}
		return x.all, nil
	})
}

// Layers yields the layers of all stores; otherwise as [Storage.Images]. Layers
// that are being made or deleted are left out.
func (s *Storage) Layers() iter.Seq2[*Layer, error] {
	return list(s, func(n *snapshot) ([]*Layer, error) {
		x, err := n.layerIndex()
		if err != nil {
			return nil, err
		}
		return x.all, nil
	})
}

// Containers yields the containers of all stores; otherwise as [Storage.Images].
func (s *Storage) Containers() iter.Seq2[*Container, error] {
	return list(s, func(n *snapshot) ([]*Container, error) {
		x, err := n.containerIndex()
		if err != nil {
			return nil, err
		}
		return x.all, nil
	})
}

func list[T any](s *Storage, all func(*snapshot) ([]*T, error)) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		snaps, err := s.snapshots()
		for _, snap := range snaps {
			var values []*T
			if values, err = all(snap); err != nil {
				break
			}
			for _, v := range values {
				if !yield(v, nil) {
					return
				}
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}
