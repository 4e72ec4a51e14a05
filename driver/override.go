package driver

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// An override is the value of an override_stat attribute, in which a store with
// force_mask keeps what it could not put on the file itself.
type override struct {
	uid, gid     uint32
	mode         uint32      // the lower twelve bits
	typ          fs.FileMode // if typed
	typed        bool
	major, minor uint32 // of a device
}

var overrideTypes = map[string]fs.FileMode{
	"file": 0, "dir": fs.ModeDir, "symlink": fs.ModeSymlink, "pipe": fs.ModeNamedPipe, "socket": fs.ModeSocket,
	"block": fs.ModeDevice, "char": fs.ModeDevice | fs.ModeCharDevice,
}

// parseOverride reads "uid:gid:mode", mode in octal, and from newer writers ":type",
// where a device's type is "block-MAJOR-MINOR" or "char-MAJOR-MINOR" and what may
// follow further is ignored (container-libs
// storage/pkg/idtools/idtools.go:parseOverrideXattr). fuse-overlayfs puts the type
// bits of stat(2) into mode.
func parseOverride(value string) (override, error) {
	bad := func(what string) (override, error) {
		return override{}, fmt.Errorf("override_stat %.80q: %s", value, what)
	}
	fields := strings.Split(value, ":")
	if len(fields) < 3 {
		return bad("three fields were expected")
	}
	uid, err1 := strconv.ParseUint(fields[0], 10, 32)
	gid, err2 := strconv.ParseUint(fields[1], 10, 32)
	mode, err3 := strconv.ParseUint(fields[2], 8, 16)
	if err1 != nil || err2 != nil || err3 != nil {
		return bad("not numbers")
	}
	o := override{uid: uint32(uid), gid: uint32(gid), mode: uint32(mode & 0o7777)}
	if mode&unix.S_IFMT != 0 {
		o.typ, o.typed = typeOf(uint32(mode)), true
		if o.typ == fs.ModeIrregular {
			return bad("unknown type")
		}
	}
	if len(fields) == 3 {
		return o, nil
	}
	kind := strings.Split(fields[3], "-")
	if o.typ, o.typed = overrideTypes[kind[0]]; !o.typed {
		return bad("unknown type")
	}
	if o.typ&fs.ModeDevice == 0 {
		return o, nil
	}
	if len(kind) < 3 {
		return bad("not a device number")
	}
	major, err1 := strconv.ParseUint(kind[1], 10, 32)
	minor, err2 := strconv.ParseUint(kind[2], 10, 32)
	if err1 != nil || err2 != nil {
		return bad("not a device number")
	}
	o.major, o.minor = uint32(major), uint32(minor)
	return o, nil
}

// override applies the value of an override_stat attribute. Files and directories
// alone have one that counts (fuse-overlayfs src/overlay.rs:override_mode); other
// nodes are kept as regular files. A value that cannot be true is an error, rather
// than a wrong owner or mode.
func (n *Node) override(value string) error {
	if !n.Mode.IsRegular() && !n.Mode.IsDir() {
		return nil
	}
	o, err := parseOverride(value)
	if err != nil {
		return err
	}
	typ := n.Mode.Type()
	if o.typed {
		if o.typ.IsDir() != n.Mode.IsDir() || o.typ == fs.ModeSymlink {
			return fmt.Errorf("override_stat %.80q: that type is not kept as what is on disk", value)
		}
		typ, n.DevMajor, n.DevMinor = o.typ, o.major, o.minor
	}
	n.UID, n.GID = int(o.uid), int(o.gid)
	n.Mode = typ | permissions(o.mode)
	return nil
}
