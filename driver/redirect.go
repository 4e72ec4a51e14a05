package driver

import (
	"fmt"
	"io/fs"
	"strings"
	"syscall"
)

// redirect is where the layers below have what n, at name, has no part of its own of,
// as the kernel understands the mark (linux fs/overlayfs/namei.c:ovl_lookup_single,
// ovl_check_redirect, and util.c:ovl_get_redirect_xattr): that of a directory which does not hide
// those below, or of a file without content. Elsewhere the mark may have been left, and
// has no meaning. A value that the kernel refuses is an error.
func redirect(name string, n *Node, xattrs map[string]string) (string, error) {
	to, ok := mark(xattrs, "redirect")
	switch {
	case !ok, name == "", n.Hides != "":
		return "", nil
	case n.Mode.IsDir() && n.Opaque == OpaqueYes, !n.Mode.IsDir() && (!n.Mode.IsRegular() || !n.Metacopy):
		return "", nil
	}
	if len(to) >= pathMax {
		return "", fmt.Errorf("%w: %.40q…: %w", ErrRedirect, to, syscall.ENAMETOOLONG)
	}
	parts, absolute := strings.CutPrefix(to, "/")
	for part := range strings.SplitSeq(parts, "/") {
		if part == "" || part == "." || part == ".." || strings.IndexByte(part, 0) >= 0 {
			return "", fmt.Errorf("%w: %.200q: %w", ErrRedirect, to, fs.ErrInvalid)
		}
	}
	if !absolute && strings.Contains(to, "/") {
		return "", fmt.Errorf("%w: %.200q: %w", ErrRedirect, to, fs.ErrInvalid)
	}
	return to, nil
}
