package storageconf

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// knownDrivers are the library's drivers on Linux in its order of preference
// (container-libs storage/drivers/driver_linux.go); it never prefers vfs.
var knownDrivers = []string{"overlay", "btrfs", "zfs", "vfs"}

// driverName undoes the one alias that there is.
func driverName(name string) string {
	if name == "overlay2" {
		return "overlay"
	}
	return name
}

// validDriver reports whether name, which becomes part of file names, can be a
// driver's. Empty is valid.
func validDriver(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// driver applies $STORAGE_DRIVER, which beats every file.
func (d *discovery) driver(configured string) string {
	const name = "STORAGE_DRIVER"
	if v := d.env(name); v != "" {
		d.note(KindVariable, name, StateUsed, "driver = %s", quote(v))
		return driverName(v)
	}
	return driverName(configured)
}

// drivers returns those whose store may be meant.
func (c Config) drivers() []string {
	if c.Driver != "" {
		return []string{c.Driver}
	}
	if len(c.DriverPriority) == 0 {
		return knownDrivers
	}
	var names []string
	for _, name := range c.DriverPriority {
		if name = driverName(name); slices.Contains(knownDrivers, name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// PickDriver returns cfg.Driver or, if none is configured, the driver whose
// store is in the graph root: the one with <driver>-layers and <driver>-images
// there (or, for the images, in the image store). A store that was never used
// may have only one of the two, which counts if no driver has both. With
// DriverPriority only the drivers that it lists are looked for.
//
// Several candidates are an [*AmbiguousDriverError], whatever their order: the
// library too then asks for an explicit choice (container-libs
// storage/drivers/driver.go:New). None at all is [ErrNoStore]. Unlike the
// library, which would set up a new overlay store, this finds vfs unlisted.
func PickDriver(fsys FS, cfg Config) (string, error) {
	if cfg.Driver != "" {
		return cfg.Driver, nil
	}
	var both, either []string
	for _, driver := range cfg.drivers() {
		layers := isDir(fsys, filepath.Join(cfg.GraphRoot, driver+"-layers"))
		images := isDir(fsys, filepath.Join(cfg.GraphRoot, driver+"-images")) ||
			cfg.ImageStore != "" && isDir(fsys, filepath.Join(cfg.ImageStore, driver+"-images"))
		if layers && images {
			both = append(both, driver)
		}
		if layers || images {
			either = append(either, driver)
		}
	}
	candidates := both
	if len(both) == 0 {
		candidates = either
	}
	switch len(candidates) {
	case 0:
		return "", fmt.Errorf("graph root %q: %w", cfg.GraphRoot, ErrNoStore)
	case 1:
		return candidates[0], nil
	}
	return "", &AmbiguousDriverError{Root: cfg.GraphRoot, Drivers: candidates}
}
