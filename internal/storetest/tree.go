package storetest

import (
	"archive/tar"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// tree writes tar entries into a directory, as a pull does
// (container-libs storage/pkg/archive/archive.go:Unpack).
type tree struct {
	root      string
	can       ability
	apply     bool        // whiteouts delete (vfs) instead of being stored
	noSpecial bool        // devices and FIFOs are left out, as by partial pulls
	shift     int         // added to owners
	forceMask fs.FileMode // Options.ForceMask
	oldMask   bool        // without the type in override_stat
	implied   fs.FileMode // mode of directories that no entry names
	now       time.Time   // time of what no entry names
	dirs      []dirMeta
}

// dirMeta is set at the end: files made in a directory change its time, and a
// directory without write permission would take none from an ordinary user.
type dirMeta struct {
	path  string
	mode  fs.FileMode
	mtime time.Time
}

// newTree makes the root directory. Until an entry says otherwise it looks like
// above, the root directory of the layer below, or has mode 0555 if that is nil
// (container-libs storage/drivers/overlay/overlay.go:create).
func newTree(t tree, above *Entry) (*tree, error) {
	if !t.noSpecial {
		t.implied = 0o755
	}
	if err := os.MkdirAll(t.root, 0o700); err != nil {
		return nil, err
	}
	root := Dir("/", 0o555)
	if t.forceMask != 0 {
		root.Mode = 0o755 // in the attribute only
	}
	if above != nil {
		root = *above
		root.PAXRecords = nil
	}
	root.ModTime = t.now
	return &t, t.metadata(t.root, &root)
}

// add writes entries; it may be called several times before finish.
func (t *tree) add(entries []Entry) error {
	for i := range entries {
		e := &entries[i]
		if e.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if err := t.entry(e); err != nil {
			return fmt.Errorf("entry %q: %w", e.Name, err)
		}
	}
	return nil
}

// finish sets modes and times of directories, children before parents. Those
// that something else has replaced meanwhile are passed over.
func (t *tree) finish() error {
	last := map[string]dirMeta{}
	for _, d := range t.dirs {
		last[d.path] = d
	}
	paths := slices.Sorted(maps.Keys(last))
	for _, path := range slices.Backward(paths) {
		info, err := os.Lstat(path)
		if err != nil || !info.IsDir() {
			continue
		}
		if err := setTime(path, last[path].mtime); err != nil {
			return err
		}
		if err := os.Chmod(path, last[path].mode); err != nil {
			return err
		}
	}
	return nil
}

// entry writes one entry.
func (t *tree) entry(e *Entry) error {
	path, err := t.path(e.Name)
	if err != nil {
		return err
	}
	if base := filepath.Base(path); strings.HasPrefix(base, whiteoutPrefix) && path != t.root {
		if done, err := t.whiteout(path, strings.TrimPrefix(base, whiteoutPrefix)); done || err != nil {
			return err
		}
	}
	if path != t.root {
		info, err := os.Lstat(path)
		if err == nil && !(info.IsDir() && e.Typeflag == tar.TypeDir) {
			err = os.RemoveAll(path)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	made, err := t.node(path, e)
	if err != nil || !made {
		return err
	}
	return t.metadata(path, e)
}

// node makes the file, directory, link or device itself. made is false for
// what this process or this kind of layer has to leave out.
func (t *tree) node(path string, e *Entry) (made bool, err error) {
	kind := e.Typeflag
	special := kind == tar.TypeChar || kind == tar.TypeBlock || kind == tar.TypeFifo
	switch {
	case special && t.forceMask != 0:
		kind = tar.TypeReg
	case special && t.noSpecial:
		return false, nil
	}
	switch kind {
	case tar.TypeDir:
		if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return false, err
		}
		return true, nil
	case tar.TypeReg:
		return true, os.WriteFile(path, e.Content, 0o600)
	case tar.TypeSymlink:
		return true, os.Symlink(e.Linkname, path)
	case tar.TypeLink:
		target, err := t.path(e.Linkname)
		if err != nil {
			return false, err
		}
		return true, os.Link(target, path)
	case tar.TypeFifo:
		return true, unix.Mkfifo(path, 0o600)
	case tar.TypeChar, tar.TypeBlock:
		major, minor := uint32(e.Devmajor), uint32(e.Devminor)
		mode := uint32(unix.S_IFCHR)
		if kind == tar.TypeBlock {
			mode = unix.S_IFBLK
		}
		isWhiteout := kind == tar.TypeChar && major == 0 && minor == 0 && t.can.whiteouts != WhiteoutsFiles
		if !t.can.devices && !isWhiteout {
			return false, nil
		}
		return true, unix.Mknod(path, mode, int(unix.Mkdev(major, minor)))
	}
	return false, fmt.Errorf("type %q cannot be stored", kind)
}

// whiteout handles path, whose last component is ".wh." + name. done is false
// if the entry is to be stored as the file that it is.
func (t *tree) whiteout(path, name string) (done bool, err error) {
	dir := filepath.Dir(path)
	opaque := filepath.Base(path) == opaqueName
	switch {
	case t.apply && opaque:
		// Entries of the layer itself come after the mark in any sane tar.
		children, err := os.ReadDir(dir)
		for _, c := range children {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, c.Name())))
		}
		return true, err
	case t.apply:
		return true, os.RemoveAll(filepath.Join(dir, name))
	case t.can.whiteouts == WhiteoutsFiles:
		return false, nil
	case opaque:
		return true, unix.Lsetxattr(dir, t.can.whiteouts.opaqueAttr(), []byte("y"), 0)
	}
	return true, unix.Mknod(filepath.Join(dir, name), unix.S_IFCHR, 0)
}
