package storageconf

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// oldOptions are the options of one file or of the defaults, as the old rules
// pass them on. Paths are not expanded yet.
type oldOptions struct {
	Config
	rootlessPath string
	// Keys (or "$HOME" and the like) that gave the two roots, for error texts.
	graphRootKey, runRootKey string
}

// oldConfig follows containers/storage types/options.go of v1.59 to v1.62. It
// reads in two passes. First come the system's options (loadDefaultStoreOptions),
// for a rootless user reduced to what he inherits (getRootlessStorageOpts). Then,
// if the file chosen by DefaultConfigFile exists, its options replace all of
// them but the two roots (loadStoreOptionsFromConfFile).
func (d *discovery) oldConfig() (Config, error) {
	system, err := d.oldSystem()
	if err != nil {
		return Config{}, err
	}
	base := system
	if d.perUser {
		if base, err = d.oldInherited(system); err != nil {
			return Config{}, err
		}
	}
	opts, found, err := d.oldMain()
	if err != nil {
		return Config{}, err
	}
	if !found {
		opts = base
	}
	if opts.RunRoot == "" {
		opts.RunRoot, opts.runRootKey = base.RunRoot, base.runRootKey
	}
	if opts.GraphRoot == "" && opts.rootlessPath != "" {
		// So for root too, if the file is there and sets no graphroot.
		opts.GraphRoot, opts.graphRootKey = opts.rootlessPath, "storage.rootless_storage_path"
	}
	if opts.GraphRoot == "" {
		opts.GraphRoot, opts.graphRootKey = base.GraphRoot, base.graphRootKey
	}
	cfg := opts.Config
	if cfg.RunRoot, err = d.expandedPath(opts.runRootKey, cfg.RunRoot); err != nil {
		return Config{}, err
	}
	if cfg.GraphRoot == "" {
		return Config{}, &SourceError{Source: "$HOME", Err: ErrNoHome}
	}
	if cfg.GraphRoot, err = d.expandedPath(opts.graphRootKey, cfg.GraphRoot); err != nil {
		return Config{}, err
	}
	if cfg.ImageStore, err = d.literalPath("storage.imagestore", cfg.ImageStore); err != nil {
		return Config{}, err
	}
	return cfg, nil
}

// oldSystem reads the system's options, completed with defaults. A file in
// $XDG_CONFIG_HOME takes the place of the system's, for root and users alike.
func (d *discovery) oldSystem() (oldOptions, error) {
	opts, err := d.oldSystemFile()
	if err != nil {
		return oldOptions{}, err
	}
	if opts.RunRoot == "" {
		opts.RunRoot, opts.runRootKey = defaultRunRoot, "default runroot"
	}
	if opts.GraphRoot == "" {
		opts.GraphRoot, opts.graphRootKey = defaultGraphRoot, "default graphroot"
	}
	return opts, nil
}

func (d *discovery) oldSystemFile() (oldOptions, error) {
	var file fileConfig
	if source, path, set := d.oldExplicitConf(); set {
		if err := d.mustReadConf(source, path, &file); err != nil {
			return oldOptions{}, err
		}
		return d.oldFileOptions(&file), nil
	}
	paths := []string{adminConf, vendorConf}
	if dir, ok := d.req.Getenv("XDG_CONFIG_HOME"); ok {
		paths = slices.Insert(paths, 0, filepath.Join(dir, "containers/storage.conf"))
	}
	for _, path := range paths {
		found, err := d.readConf(path, &file)
		if err != nil {
			return oldOptions{}, err
		}
		if found {
			return d.oldFileOptions(&file), nil
		}
	}
	return oldOptions{}, nil
}

// oldExplicitConf: even an empty variable names a file, which then is missing.
func (d *discovery) oldExplicitConf() (source, path string, set bool) {
	if d.req.ConfigFile != "" {
		return "--storage-conf", d.req.ConfigFile, true
	}
	path, set = d.req.Getenv(confVariable)
	return "$" + confVariable, path, set
}

// oldInherited is what a rootless user gets of the system's options: its
// rootless_storage_path, driver and driver_priority. The library also guesses a
// driver from what the graph root holds; that is left to PickDriver.
func (d *discovery) oldInherited(system oldOptions) (oldOptions, error) {
	var opts oldOptions
	opts.RunRoot, opts.runRootKey = d.defaultRunRoot(), "default runroot"
	if system.rootlessPath != "" {
		opts.GraphRoot, opts.graphRootKey = system.rootlessPath, "storage.rootless_storage_path"
	} else {
		path, err := d.defaultGraphRoot()
		if err != nil {
			// Without a home there can be no file of the user's own either.
			return oldOptions{}, err
		}
		opts.GraphRoot, opts.graphRootKey = path, "default graphroot"
	}
	switch driverName(system.Driver) {
	case "btrfs", "overlay", "vfs":
		opts.Driver = system.Driver
	}
	opts.Driver = d.driver(opts.Driver)
	if opts.Driver == "" {
		opts.DriverPriority = system.DriverPriority
	}
	if v := d.env("STORAGE_OPTS"); v != "" {
		opts.DriverOptions = storageOpts(v)
		d.note(KindVariable, "STORAGE_OPTS", StateUsed, "driver options = %s", quote(v))
	}
	return opts, nil
}

// oldMain reads the file whose options replace the base's. Where it is the
// user's and cannot be decoded, the library warns and goes on as if it were
// empty (reloadConfigurationFileIfNeeded).
func (d *discovery) oldMain() (opts oldOptions, found bool, err error) {
	var paths []string
	switch _, path, set := d.oldExplicitConf(); {
	case set:
		paths = []string{path}
	case !d.perUser:
		paths = []string{adminConf, vendorConf}
	default:
		dir := d.env("XDG_CONFIG_HOME")
		if dir == "" {
			home := d.home()
			if home == "" {
				return oldOptions{}, false, &SourceError{Source: "$HOME", Err: ErrNoHome}
			}
			dir = filepath.Join(home, ".config")
		}
		paths = []string{filepath.Join(dir, "containers/storage.conf")}
	}
	for _, path := range paths {
		data, err := d.readFile(path)
		if missing(err) {
			continue
		}
		if err != nil {
			return oldOptions{}, false, d.fileError(path, err)
		}
		var file fileConfig
		if d.decode(path, data, &file) != nil {
			return oldOptions{}, true, nil //nolint:nilerr // the old library takes a broken file as an empty one
		}
		d.note(KindRule, "main file", StateUsed, "%s replaces all options but unset roots", quote(path))
		return d.oldFileOptions(&file), true, nil
	}
	return oldOptions{}, false, nil
}

// oldFileOptions follows ReloadConfigurationFile, which is also the only place
// where root's STORAGE_DRIVER and STORAGE_OPTS are read: without a file they
// have no effect.
func (d *discovery) oldFileOptions(file *fileConfig) oldOptions {
	t := &file.Storage
	opts := oldOptions{
		Config: Config{
			Driver:         d.driver(t.Driver),
			DriverPriority: t.DriverPriority.values,
			ImageStore:     t.ImageStore,
			Transient:      t.TransientStore,
			RunRoot:        t.RunRoot,
			GraphRoot:      t.GraphRoot,
		},
		rootlessPath: t.RootlessStoragePath,
		graphRootKey: "storage.graphroot", runRootKey: "storage.runroot",
	}
	if driverName(opts.Driver) != "overlay" {
		// The driver's own table counts only if the driver is named
		// (pkg/config/config.go:GetGraphDriverOptions).
		shown := *t
		shown.Options.Overlay = overlayTable{}
		t = &shown
	}
	opts.DriverOptions = d.driverOptions(t)
	return opts
}

// storageOpts splits $STORAGE_OPTS; no value can hold a comma.
func storageOpts(v string) []DriverOption {
	if v == "" {
		return nil
	}
	var opts []DriverOption
	for text := range strings.SplitSeq(v, ",") {
		opts = append(opts, DriverOption{Text: text, Source: "$STORAGE_OPTS"})
	}
	return opts
}

// driverOptions gathers the options of the files, or $STORAGE_OPTS in their
// place if that is set at all.
func (d *discovery) driverOptions(t *storageTable) []DriverOption {
	if v, ok := d.req.Getenv("STORAGE_OPTS"); ok {
		d.note(KindVariable, "STORAGE_OPTS", StateUsed, "replaces all driver options of files: %s", quote(v))
		return storageOpts(v)
	}
	o := &t.Options
	var opts []DriverOption
	add := func(key, option string, values ...string) {
		for _, value := range values {
			if value != "" {
				opts = append(opts, DriverOption{Text: option + "=" + value, Source: d.origin[key]})
			}
		}
	}
	add("storage.options.additionalimagestores", "imagestore", o.AdditionalImageStores.values...)
	add("storage.options.additionallayerstores", "additionallayerstore", o.AdditionalLayerStores.values...)
	add("storage.options.mount_program", "mount_program", o.MountProgram)
	if o.ForceMask != 0 {
		add("storage.options.force_mask", "force_mask", fmt.Sprintf("%o", o.ForceMask))
	}
	add("storage.options.overlay.mount_program", "overlay.mount_program", o.Overlay.MountProgram)
	add("storage.options.overlay.force_mask", "overlay.force_mask", o.Overlay.ForceMask)
	return opts
}
