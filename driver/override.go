package driver

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// override applies the value of an override_stat attribute, in which a store with
// force_mask keeps what it could not put on the file itself: "uid:gid:mode", mode
// in octal, and from newer writers ":type", where a device's type is
// "block-MAJOR-MINOR" or "char-MAJOR-MINOR" (container-libs
// storage/pkg/idtools/idtools.go:parseOverrideXattr). fuse-overlayfs puts the type
// bits of stat(2) into mode.
func (n *Node) override(value string) error {
	bad := func(what string) error { return fmt.Errorf("override_stat %q: %s", value, what) }
	fields := strings.SplitN(value, ":", 4)
	if len(fields) < 3 {
		return bad("three fields were expected")
	}
	uid, err1 := strconv.ParseUint(fields[0], 10, 32)
	gid, err2 := strconv.ParseUint(fields[1], 10, 32)
	mode, err3 := strconv.ParseUint(fields[2], 8, 32)
	if err1 != nil || err2 != nil || err3 != nil {
		return bad("not numbers")
	}
	typ, major, minor := n.Mode.Type(), n.DevMajor, n.DevMinor
	if mode&^0o7777 != 0 {
		typ = typeOf(uint32(mode))
	}
	if len(fields) == 4 {
		kind, device, _ := strings.Cut(fields[3], "-")
		var ok bool
		if typ, ok = overrideTypes[kind]; !ok {
			return bad("unknown type")
		}
		if typ&fs.ModeDevice != 0 {
			a, b, _ := strings.Cut(device, "-")
			x, errA := strconv.ParseUint(a, 10, 32)
			y, errB := strconv.ParseUint(b, 10, 32)
			if errA != nil || errB != nil {
				return bad("not a device number")
			}
			major, minor = uint32(x), uint32(y)
		}
	}
	n.UID, n.GID, n.DevMajor, n.DevMinor = int(uid), int(gid), major, minor
	n.Mode = typ | permissions(uint32(mode))
	return nil
}

var overrideTypes = map[string]fs.FileMode{
	"file": 0, "dir": fs.ModeDir, "symlink": fs.ModeSymlink, "pipe": fs.ModeNamedPipe, "socket": fs.ModeSocket,
	"block": fs.ModeDevice, "char": fs.ModeDevice | fs.ModeCharDevice,
}
