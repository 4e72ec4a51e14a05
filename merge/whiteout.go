package merge

import (
	"cmp"
	"strings"
)

// Names by which a tar deletes what the layers below have (OCI image-spec layer.md,
// "Whiteouts"). No entry whose last component begins with WhiteoutPrefix is a file.
const (
	WhiteoutPrefix = ".wh."
	OpaqueName     = ".wh..wh..opq"
)

// Whiteout tells what the name of a tar entry deletes; ok is false for the name of an
// ordinary entry. Dir is the directory that the name is in, clean and without a slash in
// front, "." for the root. Of what the layers below have there, everything is hidden if
// opaque is true, or else victim, a single component. If that is empty, nothing is:
// names such as ".wh..wh.plnk" are left from AUFS, and ".wh." names nothing.
//
// Nothing but the name counts: whiteouts come as hard links too, and with any mode.
func Whiteout(name string) (dir, victim string, opaque, ok bool) {
	name, _ = clean(name)
	dir, base := splitBase(name)
	if victim, opaque, ok = whiteout(base); !ok {
		return "", "", false, false
	}
	return cmp.Or(dir, "."), victim, opaque, true
}

func whiteout(base string) (victim string, opaque, ok bool) {
	victim, ok = strings.CutPrefix(base, WhiteoutPrefix)
	switch {
	case !ok:
		return "", false, false
	case base == OpaqueName:
		return "", true, true
	case victim == ".", victim == "..", strings.HasPrefix(victim, WhiteoutPrefix):
		return "", false, true
	}
	return victim, false, true
}
