package driver

import (
	"io/fs"
	"slices"
	"strings"
)

// The kernel's overlay keeps its marks in trusted.* attributes, or, mounted inside
// a user namespace, in user.* ones (linux Documentation/filesystems/overlayfs.rst).
var overlayPrefixes = []string{"trusted.overlay.", "user.overlay."}

// Names of the files that fuse-overlayfs, and container-libs
// storage/pkg/archive/whiteouts.go, use as marks.
const (
	whiteoutPrefix = ".wh."
	opaqueFile     = ".wh..wh..opq"
)

// overrideStats are the attributes that [parseOverride] reads, first the one that
// counts if there are several (fuse-overlayfs src/direct.rs:load_data_source).
var overrideStats = []string{"security.fuseoverlayfs.override_stat", "user.containers.override_stat", "user.fuseoverlayfs.override_stat"}

// maskPrefix stands before the names of attributes that fuse-overlayfs must not set
// itself (fuse-overlayfs src/xattr.rs:encode_xattr_name).
const maskPrefix = "user.containers.override_"

// mark returns the value of an overlay attribute under either prefix.
func mark(xattrs map[string]string, name string) (value string, ok bool) {
	for _, p := range overlayPrefixes {
		if v, ok := xattrs[p+name]; ok {
			return v, true
		}
	}
	return "", false
}

// isOpaque reports whether attributes of a directory hide those of that name below.
func isOpaque(xattrs map[string]string) bool {
	for _, name := range []string{"trusted.overlay.opaque", "user.overlay.opaque", "user.fuseoverlayfs.opaque"} {
		if xattrs[name] == "y" {
			return true
		}
	}
	return false
}

// isWhiteout reports the kernel's spelling: a character device 0:0.
func isWhiteout(mode fs.FileMode, major, minor uint32) bool {
	return mode&fs.ModeCharDevice != 0 && major == 0 && minor == 0
}

// hiddenByName returns the name that a ".wh." file hides, whatever its type, as
// fuse-overlayfs has it (src/overlay.rs:wh_prefix_name). The mark of an opaque
// directory, and other names of the storage's own (".wh..wh.…"), hide none; nor do
// ".wh.", ".wh.." and ".wh...", whose victim would be the directory itself or its
// parent.
func hiddenByName(base string) string {
	name, ok := strings.CutPrefix(base, whiteoutPrefix)
	if !ok || name == "." || name == ".." || strings.HasPrefix(name, whiteoutPrefix) {
		return ""
	}
	return name
}

// apply takes the storage's own attributes out of xattrs and lets them speak; the
// rest are the image's.
func (n *Node) apply(xattrs map[string]string) error {
	for _, name := range overrideStats {
		if value, ok := xattrs[name]; ok {
			if err := n.override(value); err != nil {
				return err
			}
			break
		}
	}
	// The kernel asks files only (linux fs/overlayfs/namei.c:ovl_lookup_single).
	_, n.Metacopy = mark(xattrs, "metacopy")
	n.Metacopy = n.Metacopy && n.Mode.IsRegular()
	for name, value := range xattrs {
		inner, masked := strings.CutPrefix(name, maskPrefix)
		_, doubled := xattrs[maskPrefix+name]
		switch {
		case masked && isMaskable(inner):
			name = inner
		case doubled && isMaskable(name): // the masked one is the image's
			continue
		case isStorage(name):
			var nested bool
			if name, nested = unnest(name); !nested {
				continue
			}
			if _, doubled := xattrs[maskPrefix+name]; doubled { // as above
				continue
			}
		}
		if n.Xattrs == nil {
			n.Xattrs = make(map[string]string)
		}
		n.Xattrs[name] = value
	}
	return nil
}

// isStorage reports whether the storage, not the image, uses an attribute.
func isStorage(name string) bool {
	if slices.Contains(overrideStats, name) {
		return true
	}
	return strings.HasPrefix(name, overlayPrefixes[0]) || strings.HasPrefix(name, overlayPrefixes[1]) ||
		strings.HasPrefix(name, "user.fuseoverlayfs.")
}

// isMaskable: fuse-overlayfs src/xattr.rs:can_access_xattr. Others are left alone
// by it, with and without the prefix.
func isMaskable(name string) bool {
	return isStorage(name) || strings.HasPrefix(name, "security.")
}

// unnest returns the attribute as an overlay mount shows it: those of an overlay
// inside the container are kept one "overlay." deeper (linux
// Documentation/filesystems/overlayfs.rst, "Nesting overlayfs mounts").
func unnest(name string) (string, bool) {
	for _, p := range overlayPrefixes {
		if rest, ok := strings.CutPrefix(name, p+"overlay."); ok {
			return p + rest, true
		}
	}
	return name, false
}
