package storetest

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Whiteouts says how an overlay tree spells deleted names and opaque
// directories (container-libs storage/pkg/archive/archive_linux.go and
// storage/drivers/overlay/overlay.go:getWhiteoutFormat).
type Whiteouts string

const (
	// WhiteoutsAuto takes the first of the following that works here.
	WhiteoutsAuto Whiteouts = ""
	// WhiteoutsTrusted is device 0:0 and trusted.overlay.opaque: a store of root.
	WhiteoutsTrusted Whiteouts = "trusted"
	// WhiteoutsUser is device 0:0 and user.overlay.opaque: a rootless store.
	WhiteoutsUser Whiteouts = "user"
	// WhiteoutsFiles keeps the ".wh." files of the tar, as with fuse-overlayfs.
	WhiteoutsFiles Whiteouts = "files"
)

// ability is what this process can do in a directory.
type ability struct {
	chown     bool
	devices   bool // other than 0:0
	whiteouts Whiteouts
}

// probe finds out by trying, because user namespaces, seccomp filters and file
// systems all have a say.
func probe(dir string, want Whiteouts) (ability, error) {
	tmp, err := os.MkdirTemp(dir, ".probe-")
	if err != nil {
		return ability{}, err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	can := ability{
		devices:   unix.Mknod(filepath.Join(tmp, "null"), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))) == nil,
		whiteouts: want,
	}
	if want == WhiteoutsAuto {
		can.whiteouts = WhiteoutsFiles
		if unix.Mknod(filepath.Join(tmp, "gone"), unix.S_IFCHR, 0) == nil {
			for _, style := range []Whiteouts{WhiteoutsTrusted, WhiteoutsUser} {
				if unix.Lsetxattr(tmp, style.opaqueAttr(), []byte("y"), 0) == nil {
					can.whiteouts = style
					break
				}
			}
		}
	}
	can.chown = os.Lchown(tmp, 1, 1) == nil
	return can, nil
}

// opaqueAttr is the attribute of an opaque directory.
func (w Whiteouts) opaqueAttr() string { return string(w) + ".overlay.opaque" }
