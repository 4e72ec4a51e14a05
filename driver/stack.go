package driver

import (
	"errors"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/beneath"
)

// A stack is the folders that make one overlay layer, the top first; at least one.
// Nearly always it is one: a layer that was copied for other owners has the changed
// files in diff1, under a diff that is empty or its container's, and the rest in the
// layer that it was copied from (container-libs
// storage/drivers/overlay/overlay.go:UpdateLayerIDMap). They lie upon each other as
// layers do, but for ".wh." files: mount programs need no such copies.
type stack []*beneath.Dir

// Close releases the layer's descriptors; files that were opened stay valid. Calls
// after it fail with [io/fs.ErrClosed].
func (s stack) Close() error {
	var err error
	for _, d := range s {
		err = errors.Join(err, d.Close())
	}
	return err
}

// lstat looks name up in the first folder that has it, i, and takes the node and
// all its extended attributes as they are there.
func (s stack) lstat(name string) (n *Node, xattrs map[string]string, i int, err error) {
	for i = 0; ; i++ {
		n, xattrs, err = lstat(s[i], name)
		if err == nil || !absent(err) || i == len(s)-1 || covers(s[i], name) {
			return n, xattrs, i, err
		}
	}
}

// ReadDir implements [Files].
func (s stack) ReadDir(name string) ([]DirEntry, error) {
	at, err := clean(name)
	if err != nil {
		return nil, fail("readdir", name, err)
	}
	all, err := list(s[0], at)
	for i := 1; i < len(s) && (err == nil || absent(err)) && !covers(s[i-1], at); i++ {
		more, errMore := list(s[i], at)
		switch {
		case errMore == nil:
			all, err = append(all, more...), nil
		case !absent(errMore):
			return nil, errMore
		case err != nil: // the lower one may know why
			err = errMore
		}
	}
	if err != nil {
		return nil, err
	}
	if len(s) > 1 { // the first of a name counts
		slices.SortStableFunc(all, byName)
		all = slices.CompactFunc(all, func(a, b DirEntry) bool { return a.Name == b.Name })
	}
	return all, nil
}

// covers reports whether d hides name in the folders below it: where the name, or
// one of its parents, is something else than a directory, or an opaque one. A link
// among the parents hides nothing, since it may lead to what only a folder below
// has.
func covers(d *beneath.Dir, name string) bool {
	for at := name; ; at = parent(at) {
		st, err := d.Lstat(at)
		switch kind := st.Mode & unix.S_IFMT; {
		case err != nil:
		case kind == unix.S_IFDIR:
			if xattrs, err := d.Xattrs(at); err == nil && isOpaque(xattrs) {
				return true
			}
		case kind != unix.S_IFLNK || at == name:
			return true
		}
		if at == "" {
			return false
		}
	}
}

// isMarkedWhiteout: empty files that are whiteouts by attribute count only in a
// directory that says so (linux fs/overlayfs/util.c:ovl_path_check_xwhiteout_xattr;
// Documentation/filesystems/overlayfs.rst, "Whiteouts and opaque directories").
func isMarkedWhiteout(d *beneath.Dir, name string, n *Node, xattrs map[string]string) bool {
	if _, ok := mark(xattrs, "whiteout"); !ok || !n.Mode.IsRegular() || n.Size > 0 {
		return false
	}
	// The dot is there because the parent may be a link.
	dir, err := d.Xattrs(strings.TrimPrefix(parent(name)+"/.", "/"))
	value, _ := mark(dir, "opaque")
	return err == nil && value == "x"
}

// parent returns the directory of a cleaned name; the root's is the root.
func parent(name string) string {
	if dir := path.Dir(name); dir != "." {
		return dir
	}
	return ""
}
