package driver

import (
	"io/fs"
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

// mark returns the value of an overlay attribute under either prefix.
func mark(xattrs map[string]string, name string) string {
	for _, p := range overlayPrefixes {
		if v, ok := xattrs[p+name]; ok {
			return v
		}
	}
	return ""
}

func hasMark(xattrs map[string]string, name string) bool {
	for _, p := range overlayPrefixes {
		if _, ok := xattrs[p+name]; ok {
			return true
		}
	}
	return false
}

// isWhiteout reports the kernel's spelling: a character device 0:0.
func isWhiteout(n *Node) bool {
	return n.Mode&fs.ModeCharDevice != 0 && n.DevMajor == 0 && n.DevMinor == 0
}

// hiddenByFile returns the name that a ".wh." file hides; the mark of an opaque
// directory, and other names of the storage's own (".wh..wh.…"), hide none.
func hiddenByFile(base string, n *Node) string {
	if name, ok := strings.CutPrefix(base, whiteoutPrefix); ok && n.Mode.IsRegular() && !strings.HasPrefix(name, whiteoutPrefix) {
		return name
	}
	return ""
}

// apply takes the storage's own attributes out of xattrs and lets them speak; the
// rest are the image's.
func (n *Node) apply(xattrs map[string]string) error {
	n.Redirect, n.Metacopy = mark(xattrs, "redirect"), hasMark(xattrs, "metacopy")
	for name, value := range xattrs {
		original, masked := strings.CutPrefix(name, "user.containers.override_")
		switch {
		case name == "user.containers.override_stat" || name == "user.fuseoverlayfs.override_stat":
			if err := n.override(value); err != nil {
				return err
			}
			continue
		case masked: // fuse-overlayfs: an attribute that it could not set
			name = original
		case strings.HasPrefix(name, overlayPrefixes[0]), strings.HasPrefix(name, overlayPrefixes[1]), strings.HasPrefix(name, "user.fuseoverlayfs."):
			continue
		}
		if n.Xattrs == nil {
			n.Xattrs = make(map[string]string)
		}
		n.Xattrs[name] = value
	}
	return nil
}
