package driver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/beneath"
)

// OverlayOptions say what is known of an overlay layer beside its files. The zero
// value is for an image's layer of a native store.
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
	// IDs are what owners mean, of the layer's own folder and of Lowers alike.
	IDs IDs
}

// Overlay is a layer of the overlay driver, or of fuse-overlayfs. It is safe for
// concurrent use.
type Overlay struct {
	stack
	opts    OverlayOptions
	trusted bool // marks may be trusted.* attributes that we cannot see
}

var _ Reader = (*Overlay)(nil)

// OpenOverlay opens the layer that lies in folder layer (overlay/ID of a store).
// The caller closes the result, and may close layer and opts.Lowers at once.
func OpenOverlay(layer *beneath.Dir, opts OverlayOptions) (*Overlay, error) {
	o := &Overlay{opts: opts}
	o.opts.Lowers = nil
	for _, folder := range append([]*beneath.Dir{layer}, opts.Lowers...) {
		if err := o.add(folder); err != nil {
			_ = o.Close() // directories that were only read
			return nil, err
		}
	}
	return o, nil
}

// maxDiffs is how many stacked diff folders one layer may have. The reference makes
// one for each change of the id map, in practice one.
const maxDiffs = 16

// add opens folder/diff, and diff1, diff2… as far as they exist.
func (o *Overlay) add(folder *beneath.Dir) error {
	for i := 0; ; i++ {
		name := "diff"
		if i > 0 {
			name = fmt.Sprintf("diff%d", i)
		}
		d, err := folder.Dir(name, beneath.InRoot)
		if i > 0 && errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return err
		}
		o.stack = append(o.stack, d)
		if i == maxDiffs {
			return fail("open", folder.Path(), fmt.Errorf("more than %d stacked folders", maxDiffs))
		}
	}
	// The folder itself belongs to the id that the layer maps 0 to, this file to who
	// wrote it (container-libs storage/drivers/overlay/overlay.go:create).
	st, err := folder.Lstat("link")
	if errors.Is(err, fs.ErrNotExist) {
		st, err = folder.Lstat(".")
	}
	if err != nil {
		return err
	}
	o.trusted = o.trusted || !canReadTrusted() && writtenByRoot(st.Uid)
	return nil
}

// OpenFile implements [Files].
func (o *Overlay) OpenFile(name string) (*os.File, error) {
	at, err := clean(name)
	if err != nil {
		return nil, fail("open", name, err)
	}
	stub := false
	for i, d := range o.stack {
		var f *os.File
		f, err = d.File(at)
		last := i == len(o.stack)-1
		if err == nil {
			// What was unpacked from a tar, the lowest of an image's layer, is whole.
			if last && !o.opts.Container || !o.isStub(f) {
				return o.regular(f, name)
			}
			_ = f.Close() // was only read
			stub = true
			continue
		}
		if !absent(err) || !last && covers(d, at) {
			break
		}
	}
	if stub {
		err = fail("open", name, ErrMetacopy)
	}
	return nil, err
}

// ReadFile implements [Reader].
func (o *Overlay) ReadFile(name string, p []byte) (size int64, err error) {
	if len(o.stack) > 1 || o.opts.Container || len(p) == 0 { // stubs: see OpenFile
		return readOpened(o, name, p)
	}
	at, err := clean(name)
	if err != nil {
		return 0, fail("open", name, err)
	}
	return o.stack[0].ReadInto(at, p)
}

// UseFile implements [Reader].
func (o *Overlay) UseFile(name string, use func(fd int, size int64) error) error {
	if len(o.stack) > 1 || o.opts.Container || o.opts.WhiteoutFiles { // stubs, stand-ins: see OpenFile
		return UseOpened(o, name, use)
	}
	at, err := clean(name)
	if err != nil {
		return fail("open", name, err)
	}
	return o.stack[0].UseFile(at, use)
}

// ReadDir implements [Files].
func (o *Overlay) ReadDir(name string) ([]DirEntry, error) {
	all, err := o.stack.ReadDir(name)
	if err != nil {
		return nil, err
	}
	unsure := o.opts.WhiteoutFiles // force_mask goes with a mount program
	at, _ := clean(name)           // was clean before
	for _, d := range o.stack {    // see isMarkedWhiteout
		if xattrs, err := d.Xattrs(at); err == nil { // may not be there
			value, _ := mark(xattrs, "opaque")
			unsure = unsure || value == "x"
		}
	}
	for i, e := range all {
		switch {
		case e.Type == fs.ModeDevice|fs.ModeCharDevice, o.opts.WhiteoutFiles && hiddenByName(e.Name) != "":
			all[i].Unsure = true
		case e.Type == 0:
			all[i].Unsure = unsure
		}
	}
	return all, nil
}

// regular refuses what only stands for a node of another type, and is empty then.
func (o *Overlay) regular(f *os.File, name string) (*os.File, error) {
	if !o.opts.WhiteoutFiles { // force_mask goes with a mount program
		return f, nil
	}
	info, err := f.Stat()
	if err == nil && info.Size() > 0 {
		return f, nil
	}
	if err == nil {
		var n *Node
		if n, err = o.Lstat(name); err == nil && !n.Mode.IsRegular() {
			err = fail("open", name, beneath.ErrNotRegular)
		}
	}
	if err != nil {
		_ = f.Close() // was only read
		return nil, err
	}
	return f, nil
}

// isStub reports whether f has no content of its own: a stub has the full size and
// reads as zeros, and the value of its mark may be empty. Where we cannot see the
// mark, what has size but no data may be one.
func (o *Overlay) isStub(f *os.File) bool {
	fd := int(f.Fd())
	for _, prefix := range overlayPrefixes {
		if _, err := unix.Fgetxattr(fd, prefix+"metacopy", nil); err == nil {
			return true
		}
	}
	if !o.trusted {
		return false
	}
	if info, err := f.Stat(); err != nil || info.Size() == 0 {
		return false
	}
	_, err := unix.Seek(fd, 0, unix.SEEK_DATA)
	_, _ = unix.Seek(fd, 0, unix.SEEK_SET) // where it was
	return err == unix.ENXIO
}

// Lstat implements [Files].
func (o *Overlay) Lstat(name string) (*Node, error) {
	at, err := clean(name)
	if err != nil {
		return nil, fail("lstat", name, err)
	}
	n, xattrs, i, err := o.lstat(at)
	if err != nil {
		return nil, err
	}
	// Before an override speaks: a device 0:0 that is kept as a file is a device.
	base := path.Base(at)
	switch {
	case isWhiteout(n.Mode, n.DevMajor, n.DevMinor), isMarkedWhiteout(o.stack[i], at, n, xattrs):
		n.Hides = base
	case o.opts.WhiteoutFiles:
		n.Hides = hiddenByName(base)
	}
	o.opts.IDs.fromDisk(n)
	if err := n.apply(xattrs); err != nil {
		return nil, fail("lstat", name, err)
	}
	o.opts.IDs.toContainer(n)
	if n.Metacopy {
		n.Metacopy = !o.hasContent(at, i)
	}
	if n.Mode.IsDir() {
		n.Opaque = o.opaque(at, i, xattrs)
	}
	if o.opts.Container {
		if n.Redirect, err = redirect(at, n, xattrs); err != nil {
			return nil, fail("lstat", name, err)
		}
	}
	return n, nil
}

// hasContent reports whether OpenFile finds content for the stub in folder i.
func (o *Overlay) hasContent(name string, i int) bool {
	for ; i < len(o.stack); i++ {
		n, xattrs, err := lstat(o.stack[i], name)
		if err != nil {
			continue
		}
		if _, stub := mark(xattrs, "metacopy"); !stub || !n.Mode.IsRegular() || i == len(o.stack)-1 && !o.opts.Container {
			return n.Mode.IsRegular()
		}
	}
	return false
}

// opaque says whether the directory that the stack has at name hides those below
// the whole layer; xattrs are those in folder i, the first that has it.
func (o *Overlay) opaque(name string, i int, xattrs map[string]string) Opaque {
	for first := i; i < len(o.stack); i++ {
		if i > first {
			var err error
			if xattrs, err = o.stack[i].Xattrs(name); err != nil {
				continue
			}
		}
		if isOpaque(xattrs) {
			return OpaqueYes
		}
		if o.opts.WhiteoutFiles {
			if _, err := o.stack[i].Lstat(path.Join(name, opaqueFile)); err == nil {
				return OpaqueYes
			}
		}
	}
	if o.trusted {
		return OpaqueUnknown
	}
	return OpaqueNo
}
