package beneath

import (
	"strings"

	"golang.org/x/sys/unix"
)

// A Scope is the rule by which the names given to the methods of a [Dir] are
// looked up.
//
// In both scopes "", "." and "/" name the directory itself. Elsewhere a name
// must not have an empty component, and so no trailing slash; contain NUL; or
// be longer than 4095 bytes. Names are bytes and need not be UTF-8.
type Scope int

const (
	// NoLinks is for a store's own metadata: a link in any component is an
	// error matching ELOOP (ENOTDIR where a directory is wanted last),
	// absolute names and ".." are errors matching EXDEV.
	NoLinks Scope = iota

	// InRoot is for the inside of a layer or of a mounted system: names are
	// resolved as after chroot(2). Absolute names start at the directory, ".."
	// ends there, and links, absolute ones too, are followed inside.
	InRoot
)

// valid returns EINVAL for a value that is none of the constants.
func (s Scope) valid() error {
	if s != NoLinks && s != InRoot {
		return unix.EINVAL
	}
	return nil
}

// resolve returns the RESOLVE_ flags of openat2 that enforce s.
func (s Scope) resolve() uint64 {
	if s == InRoot {
		return unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS
	}
	return unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS
}

// check refuses malformed names and those that s forbids by their spelling.
// Empty components are refused rather than skipped because a trailing slash
// makes the kernel follow a final link in spite of O_NOFOLLOW.
func (s Scope) check(name string) error {
	switch {
	case isSelf(name):
		return nil
	case len(name) >= unix.PathMax:
		return errLong
	case strings.IndexByte(name, 0) >= 0:
		return errNUL
	case name[0] == '/' && s == NoLinks:
		return errAbsolute
	}
	for part := range strings.SplitSeq(strings.TrimPrefix(name, "/"), "/") {
		switch {
		case part == "":
			return errEmpty
		case part == ".." && s == NoLinks:
			return errDotDot
		}
	}
	return nil
}

// isSelf reports whether name is one of the names of the directory itself.
func isSelf(name string) bool { return name == "" || name == "." || name == "/" }
