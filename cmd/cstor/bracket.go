package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// otherOptions say how a driver mounts and writes: a reader has no use for them.
var otherOptions = []string{
	"force_mask", "ignore_chown_errors", "inodes", "mount_program", "mountopt", "override_kernel_check", "size", "skip_mount_home",
	"sync", "use_composefs",
}

// additionalStores are the additional image stores among the options of a reference,
// "[DRIVER.]KEY=VALUE" with a key in any case. There imagestore and
// additionalimagestore mean the same (container-libs
// storage/drivers/overlay/overlay.go:parseOptions).
func additionalStores(options []string) ([]string, error) {
	var stores []string
	for _, option := range options {
		key, value, ok := strings.Cut(option, "=")
		if !ok {
			return nil, fmt.Errorf("option %q: KEY=VALUE was expected", option)
		}
		key = strings.ToLower(strings.TrimSpace(key))
		if driver, name, ok := strings.Cut(key, "."); ok && slices.Contains([]string{"", "overlay", "overlay2", "vfs"}, driver) {
			key = name
		}
		switch value = strings.TrimSpace(value); {
		case slices.Contains(otherOptions, key):
		case key != "imagestore" && key != "additionalimagestore":
			return nil, fmt.Errorf("option %q: not known", option)
		case !filepath.IsAbs(value):
			return nil, fmt.Errorf("option %q: not an absolute path", option)
		default:
			stores = append(stores, value)
		}
	}
	return stores, nil
}
