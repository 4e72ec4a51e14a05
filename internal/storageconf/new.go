package storageconf

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	confVariable     = "CONTAINERS_STORAGE_CONF"
	overrideVariable = "CONTAINERS_STORAGE_CONF_OVERRIDE"

	adminConf  = "/etc/containers/storage.conf"
	vendorConf = "/usr/share/containers/storage.conf"

	defaultGraphRoot = "/var/lib/containers/storage"
	defaultRunRoot   = "/run/containers/storage"

	// maxDropIns bounds the drop-ins of one system.
	maxDropIns = 1000
)

// newConfig follows container-libs storage/types/options.go:LoadStoreOptions.
func (d *discovery) newConfig() (Config, error) {
	var file fileConfig
	if err := d.readNewFiles(&file); err != nil {
		return Config{}, err
	}
	t := &file.Storage

	cfg := Config{
		Driver:         d.driver(t.Driver),
		DriverPriority: t.DriverPriority.values,
		Transient:      t.TransientStore,
		DriverOptions:  d.driverOptions(t),
	}
	var err error
	if cfg.ImageStore, err = d.literalPath("storage.imagestore", t.ImageStore); err != nil {
		return Config{}, err
	}
	if cfg.RunRoot, err = d.expandedPath("storage.runroot", t.RunRoot); err != nil {
		return Config{}, err
	}
	if cfg.RunRoot == "" {
		cfg.RunRoot = d.defaultRunRoot()
	}
	if cfg.GraphRoot, err = d.newGraphRoot(t); err != nil {
		return Config{}, err
	}
	return cfg, nil
}

// newGraphRoot: graphroot beats the deprecated rootless_storage_path, wherever
// either comes from.
func (d *discovery) newGraphRoot(t *storageTable) (string, error) {
	if t.RootlessStoragePath != "" && (t.GraphRoot != "" || !d.perUser) {
		why := "graphroot is set"
		if t.GraphRoot == "" {
			why = "not rootless"
		}
		d.note(KindKey, "storage.rootless_storage_path", StateIgnored, "%s", why)
	}
	if t.GraphRoot != "" {
		return d.expandedPath("storage.graphroot", t.GraphRoot)
	}
	if t.RootlessStoragePath != "" && d.perUser {
		return d.expandedPath("storage.rootless_storage_path", t.RootlessStoragePath)
	}
	return d.defaultGraphRoot()
}

// readNewFiles decodes the main file, the drop-ins and the override, in this
// order (container-libs storage/pkg/configfile/parse.go:Read).
func (d *discovery) readNewFiles(file *fileConfig) error {
	dirs, err := d.readNewMain(file)
	if err != nil {
		return err
	}
	dropIns, err := d.dropIns(dirs)
	if err != nil {
		return err
	}
	for _, path := range dropIns {
		// A dangling link is not an error, here as in the library.
		if _, err := d.readConf(path, file); err != nil {
			return err
		}
	}
	if path := d.env(overrideVariable); path != "" {
		d.note(KindVariable, overrideVariable, StateUsed, "%s is read last", quote(path))
		return d.mustReadConf("$"+overrideVariable, path, file)
	}
	return nil
}

// readNewMain decodes exactly one main file, the first that exists, and returns
// the directories of drop-ins to read, the highest-ranking first
// (parse.go:getSearchPaths).
func (d *discovery) readNewMain(file *fileConfig) (dropInDirs []string, err error) {
	if source, path := d.explicitConf(); path != "" {
		d.note(KindRule, "drop-ins", StateIgnored, "%s names the only main file", source)
		return nil, d.mustReadConf(source, path, file)
	}
	var mains []string
	user := d.userConf()
	if user != "" {
		mains = append(mains, user)
		dropInDirs = append(dropInDirs, user+".d")
	}
	mains = append(mains, adminConf, vendorConf)
	dropInDirs = append(dropInDirs, d.systemDropInDirs(adminConf)...)
	dropInDirs = append(dropInDirs, d.systemDropInDirs(vendorConf)...)
	for i, path := range mains {
		found, err := d.readConf(path, file)
		if err != nil {
			return nil, err
		}
		if found {
			for _, other := range mains[i+1:] {
				d.note(KindFile, other, StateIgnored, "only one main file is read")
			}
			break
		}
	}
	return dropInDirs, nil
}

// explicitConf returns the main file that replaces all others, and who named it.
func (d *discovery) explicitConf() (source, path string) {
	if d.req.ConfigFile != "" {
		d.note(KindFlag, "--storage-conf", StateUsed, "%s is the main file", quote(d.req.ConfigFile))
		return "--storage-conf", d.req.ConfigFile
	}
	path, set := d.req.Getenv(confVariable)
	switch {
	case path != "":
		d.note(KindVariable, confVariable, StateUsed, "%s is the main file", quote(path))
	case set:
		d.note(KindVariable, confVariable, StateIgnored, "it is empty")
	}
	return "$" + confVariable, path
}

// userConf is the user's own storage.conf, for root too; "" if the home
// directory is unknown. $XDG_CONFIG_HOME that is set but empty gives a relative
// path (container-libs storage/pkg/configfile/path_unix.go:UserConfigPath).
func (d *discovery) userConf() string {
	if dir, ok := d.req.Getenv("XDG_CONFIG_HOME"); ok {
		d.note(KindVariable, "XDG_CONFIG_HOME", StateUsed, "the user's configuration is below %s", quote(dir))
		return filepath.Join(dir, "containers/storage.conf")
	}
	home := d.home()
	if home == "" {
		d.note(KindVariable, "HOME", StateMissing, "the user has no configuration")
		return ""
	}
	return filepath.Join(home, ".config/containers/storage.conf")
}

// systemDropInDirs returns the drop-in directories that belong to a system's
// main file, the highest-ranking first (parse.go:getDropInPathsUnderMain).
func (d *discovery) systemDropInDirs(mainFile string) []string {
	base := strings.TrimSuffix(mainFile, ".conf")
	var dirs []string
	switch {
	case d.uid > 0:
		rootless := base + ".rootless.conf.d"
		dirs = []string{filepath.Join(rootless, strconv.Itoa(d.uid)), rootless}
	case d.uid == 0:
		dirs = []string{base + ".rootful.conf.d"}
	}
	return append(dirs, mainFile+".d")
}

// dropIns returns the files to read, in order: by base name over all
// directories, and of several with one name that of the highest-ranking
// directory (parse.go:readDropInsFromPaths).
func (d *discovery) dropIns(dirs []string) ([]string, error) {
	winners := make(map[string]string) // base name → path
	for _, dir := range dirs {
		entries, err := d.req.FS.ReadDir(dir)
		if missing(err) {
			d.note(KindDirectory, dir, StateMissing, "")
			continue
		}
		if err != nil {
			return nil, d.report(KindDirectory, &SourceError{Source: dir, Err: cause(err)})
		}
		names := 0
		for _, entry := range entries {
			name := entry.Name()
			if entry.IsDir() || !strings.HasSuffix(name, ".conf") {
				continue
			}
			if len(winners) == maxDropIns {
				err := fmt.Errorf("%w: over %d drop-ins", ErrTooLarge, maxDropIns)
				return nil, d.report(KindDirectory, &SourceError{Source: dir, Err: err})
			}
			names++
			path := filepath.Join(dir, name)
			if winner, ok := winners[name]; ok {
				d.note(KindFile, path, StateIgnored, "%s replaces it", quote(winner))
				continue
			}
			winners[name] = path
		}
		d.note(KindDirectory, dir, StateUsed, "%d of %d entries are drop-ins", names, len(entries))
	}
	paths := make([]string, 0, len(winners))
	for _, name := range slices.Sorted(maps.Keys(winners)) {
		paths = append(paths, winners[name])
	}
	return paths, nil
}
