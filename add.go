package cstor

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/internal/idmap"
	"github.com/cstor-go/cstor/internal/storageconf"
)

// add opens the stores of one configuration: all that it needs, or none.
func (s *Storage) add(from system, owner string, cfg storageconf.Config) error {
	places, err := s.openPlaces(from, owner, cfg)
	if err != nil || len(places) == 0 {
		return err
	}
	lenders := openLayerStores(from, cfg.AdditionalLayerStores)
	for _, p := range places {
		p.owner, p.lock, p.helper, p.layerStores = owner, s.lock, s.helper, lenders
		s.setIDs(from, p)
	}
	s.configs = append(s.configs, places)
	return nil
}

// openPlaces opens the directories of a configuration in lookup order. There are none if
// another user of a mounted system has the same.
func (s *Storage) openPlaces(from system, owner string, cfg storageconf.Config) (places []*place, err error) {
	driver, err := pickDriver(from, cfg)
	if err != nil {
		return nil, err
	}
	primary, err := openPlace(cfg.GraphRoot, driver, RolePrimary, from.dir)
	if err != nil {
		return nil, err
	}
	if s.have(primary) {
		return nil, primary.close()
	}
	places = []*place{primary}
	defer func() {
		if err != nil {
			_ = closePlaces(places) // were only read
			places = nil
		}
	}()
	if primary.transient = cfg.Transient; cfg.Transient && cfg.RunRoot != "" {
		primary.openRun = func() (*beneath.Dir, error) { return from.dir(cfg.RunRoot) }
		if err := primary.findRun(); err != nil {
			return places, err
		}
		if owner != "" { // the mounted system's root does not stay open
			primary.openRun = nil
		}
	}
	if cfg.ImageStore != "" && filepath.Clean(cfg.ImageStore) != cfg.GraphRoot {
		image, err := openPlace(cfg.ImageStore, driver, RoleImageStore, from.dir)
		if err != nil {
			return places, halfError{fmt.Errorf("image store of %s: %w", cfg.GraphRoot, err)}
		}
		image.partner, primary.partner = primary, image
		places = append(places, image)
	}
	for _, path := range cfg.AdditionalImageStores {
		p, err := openPlace(path, driver, RoleAdditional, from.dir)
		if err != nil {
			s.warnings = append(s.warnings, fmt.Errorf("additional image store left out: %w", err))
			continue
		}
		places = append(places, p)
	}
	return places, nil
}

// halfError is about an image store that cannot be opened, while the store that it
// belongs to is there.
type halfError struct{ error }

func (e halfError) Unwrap() error { return e.error }

// noStore reports whether err says that there is no store at all.
func noStore(err error) bool {
	return errors.Is(err, ErrNotStore) && !errors.As(err, new(halfError))
}

// have reports whether the directory of p is the primary store of a configuration.
func (s *Storage) have(p *place) bool {
	st, err := p.root.Lstat(".")
	return err == nil && slices.ContainsFunc(s.configs, func(c []*place) bool {
		other, err := c[0].root.Lstat(".")
		return err == nil && other.Dev == st.Dev && other.Ino == st.Ino
	})
}

// setIDs says how p finds its maps. In a mounted system, whose root does not stay open,
// that is done at once; lists of ids that cannot be read are then a warning.
func (s *Storage) setIDs(from system, p *place) {
	if p.owner == "" {
		var ids kept[idmap.Maps]
		p.ids = func() (idmap.Maps, error) {
			return ids.get(func() (idmap.Maps, error) { return storeIDs(from, p) })
		}
		return
	}
	maps, err := storeIDs(from, p)
	if err != nil {
		s.warnings = append(s.warnings, p.fail("owners of files may be shown as they are on disk", err))
	}
	p.ids = func() (idmap.Maps, error) { return maps, nil }
}

// findRun opens the run root of a transient store, unless it is open or not there.
func (p *place) findRun() error {
	if p.openRun == nil || p.run.Load() != nil {
		return nil
	}
	run, err := p.openRun()
	if errors.Is(err, fs.ErrNotExist) { // a machine that has just booted has none yet
		return nil
	}
	if err != nil {
		return p.fail("run root", err)
	}
	p.run.Store(run)
	return nil
}

func closePlaces(places []*place) (err error) {
	for _, p := range places {
		err = errors.Join(err, p.close())
	}
	return err
}
