package driver

import (
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/beneath"
)

// OverlayOptions say what is known of an overlay layer beside its files.
type OverlayOptions struct {
	// WhiteoutFiles: the store was set up with a mount program (.has-mount-program
	// says "true"), and deletions may be spelled as ".wh." files. Elsewhere a file
	// of such a name is a file.
	WhiteoutFiles bool
	// Container: the layer was written through a mount, not unpacked from a tar, so
	// it may hold files without content of their own, which OpenFile then refuses.
	Container bool
	// Lowers are the folders of layers below in which content is looked for when
	// the layer itself has none: a layer copied for other owners has only what
	// had to change. Overlay closes neither them nor the layer's own folder.
	Lowers []*beneath.Dir
}

// Overlay is a layer of the overlay driver, or of fuse-overlayfs. It is safe for
// concurrent use.
type Overlay struct {
	tree
	opts    OverlayOptions
	trusted bool // marks are trusted.* attributes that we cannot see
}

var _ Files = (*Overlay)(nil)

// OpenOverlay opens the layer that lies in folder layer (overlay/ID of a store).
// The caller closes the result, and may close layer at once.
func OpenOverlay(layer *beneath.Dir, opts OverlayOptions) (*Overlay, error) {
	t, err := subdirs(layer)
	if err != nil {
		return nil, err
	}
	o := &Overlay{tree: t, opts: opts}
	for _, lower := range opts.Lowers {
		below, err := subdirs(lower)
		if err != nil {
			_ = o.Close() // directories that were only read
			return nil, err
		}
		o.dirs = append(o.dirs, below.dirs...)
	}
	o.opts.Lowers = nil
	st, err := layer.Lstat(".")
	if err != nil {
		_ = o.Close()
		return nil, err
	}
	o.trusted = !canReadTrusted() && writtenByRoot(st.Uid)
	return o, nil
}

// OpenFile implements [Files].
func (o *Overlay) OpenFile(name string) (*os.File, error) {
	f, err := o.tree.OpenFile(name)
	if err != nil || !o.opts.Container {
		return f, err
	}
	for _, prefix := range overlayPrefixes {
		// A stub has the full size and reads as zeros; the value may be empty.
		if _, err := unix.Fgetxattr(int(f.Fd()), prefix+"metacopy", nil); err == nil {
			_ = f.Close() // was only read
			return nil, &os.PathError{Op: "open", Path: name, Err: ErrMetacopy}
		}
	}
	return f, nil
}

// Lstat implements [Files].
func (o *Overlay) Lstat(name string) (*Node, error) {
	n, xattrs, err := o.lstat(name)
	if err != nil {
		return nil, err
	}
	base := path.Base(path.Clean("/" + name))
	if err := n.apply(xattrs); err != nil {
		return nil, &os.PathError{Op: "lstat", Path: name, Err: err}
	}
	switch {
	case isWhiteout(n), hasMark(xattrs, "whiteout") && n.Size == 0 && n.Mode.IsRegular() && o.holdsMarkedWhiteouts(path.Dir(path.Clean("/"+name))):
		n.Hides = base
	case o.opts.WhiteoutFiles:
		n.Hides = hiddenByFile(base, n)
	}
	if n.Mode.IsDir() {
		n.Opaque = o.opaque(name, xattrs)
	}
	return n, nil
}

func (o *Overlay) opaque(name string, xattrs map[string]string) Opaque {
	if mark(xattrs, "opaque") == "y" || xattrs["user.fuseoverlayfs.opaque"] == "y" {
		return OpaqueYes
	}
	if o.opts.WhiteoutFiles {
		if _, _, err := o.lstat(path.Join("/", name, opaqueFile)); err == nil {
			return OpaqueYes
		}
	}
	if o.trusted {
		return OpaqueUnknown
	}
	return OpaqueNo
}

// holdsMarkedWhiteouts: files that are whiteouts by attribute count only in a
// directory that says so (linux fs/overlayfs, "xwhiteouts": opaque=x).
func (o *Overlay) holdsMarkedWhiteouts(dir string) bool {
	_, xattrs, err := o.lstat(dir)
	return err == nil && mark(xattrs, "opaque") == "x"
}
