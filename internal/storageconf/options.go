package storageconf

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// WithDriver returns c for the given driver: its options are read as that driver
// reads them. Use it once [PickDriver] has answered. A fault is a [*SourceError].
func (c Config) WithDriver(driver string) (Config, error) {
	c = c.clone()
	c.Driver = driverName(driver)
	err := c.readDriverOptions(func(Kind, string, State, string, ...any) {})
	return c, err
}

// optionError is a fault in one driver option.
func optionError(opt DriverOption, err error) error {
	return &SourceError{Source: opt.Source, Value: opt.Text, Err: err}
}

// readDriverOptions fills the fields that come from DriverOptions. An option is
// "[driver.]key=value" with a key in any case; another driver's is skipped
// (container-libs storage/internal/driver/driver.go:ParseDriverOption). Here
// imagestore and additionalimagestore both mean additional image stores
// (storage/drivers/overlay/overlay.go:parseOptions), unlike the key imagestore
// of a file. The library refuses unknown options, this notes them.
func (c *Config) readDriverOptions(note func(Kind, string, State, string, ...any)) error {
	if !validDriver(c.Driver) {
		return &SourceError{Key: "driver", Value: c.Driver, Err: ErrDriver}
	}
	c.AdditionalImageStores, c.AdditionalLayerStores, c.MountProgram, c.ForceMask = nil, nil, "", ""
	driver := c.Driver
	if driver == "" {
		driver = "overlay"
	}
	for _, opt := range c.DriverOptions {
		key, value, ok := strings.Cut(opt.Text, "=")
		if !ok {
			return optionError(opt, ErrSyntax)
		}
		key, value = strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value)
		prefix, name, ok := strings.Cut(key, ".")
		if !ok {
			prefix, name = "", key
		}
		prefix = driverName(prefix)
		if prefix != "" && !slices.Contains(knownDrivers, prefix) {
			return optionError(opt, fmt.Errorf("%w: unknown driver", ErrSyntax))
		}
		if prefix != "" && prefix != driver {
			note(KindKey, key, StateIgnored, "option for another driver than %s", driver)
			continue
		}
		used, err := c.readDriverOption(driver, name, value)
		if err != nil {
			return optionError(opt, err)
		}
		if !used {
			note(KindKey, strings.Trim(quote(key), `"`), StateIgnored, "driver option of no use to a reader, in %s", quoteSource(opt.Source))
		}
	}
	return nil
}

// readDriverOption takes one option's value; used is false if a reader has no
// use for the option.
func (c *Config) readDriverOption(driver, name, value string) (used bool, err error) {
	overlay := driver == "overlay"
	switch {
	case name == "imagestore" || name == "additionalimagestore":
		return true, eachPath(value, func(path string) error {
			path, err := storePath(path)
			c.AdditionalImageStores = append(c.AdditionalImageStores, path)
			return err
		})
	case name == "additionallayerstore" && overlay:
		return true, eachPath(value, c.addLayerStore)
	case name == "mount_program" && overlay:
		c.MountProgram = value
	case name == "force_mask" && overlay:
		c.ForceMask = value
	default:
		return false, nil
	}
	return true, nil
}

// eachPath calls add for each of the comma-separated paths.
func eachPath(value string, add func(string) error) error {
	if value == "" {
		return nil
	}
	for path := range strings.SplitSeq(value, ",") {
		if err := add(path); err != nil {
			return err
		}
	}
	return nil
}

// addLayerStore adds "path[:ref]".
func (c *Config) addLayerStore(value string) error {
	path, flags, found := strings.Cut(value, ":")
	if found && flags != "ref" {
		return fmt.Errorf("%w: only \":ref\" may follow the path of a layer store", ErrSyntax)
	}
	path, err := storePath(path)
	if err != nil {
		return err
	}
	c.AdditionalLayerStores = append(c.AdditionalLayerStores, LayerStore{Path: path, Ref: found})
	return nil
}

// storePath is cleanPath for a path in an option, whose source the caller adds.
func storePath(path string) (string, error) {
	if strings.ContainsAny(path, "\x00\n") {
		return "", ErrControl
	}
	if !filepath.IsAbs(path) {
		return "", ErrRelative
	}
	return filepath.Clean(path), nil
}
