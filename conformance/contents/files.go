package contents

import (
	"errors"
	"fmt"
	"io/fs"
	"unicode/utf8"

	"github.com/cstor-go/cstor/imagefs"
)

// OfFiles lists the view of package imagefs with [fs.WalkDir], and reads the files through it. What is below a directory
// whose name is not UTF-8, which io/fs cannot name, is left out.
func OfFiles(fsys *imagefs.FS) (Tree, error) {
	tree, first := Tree{}, map[any]string{}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			if !utf8.ValidString(name) && errors.Is(err, fs.ErrInvalid) {
				return nil
			}
			return err
		}
		n, err := ofFile(fsys, name, d)
		if err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if st := info.Sys().(*imagefs.Stat); n.Type != '5' && st.Nlink > 1 {
			id := [3]any{st.Layer, st.Dev, st.Ino}
			if n.First = first[id]; n.First == "" {
				first[id] = name
			}
		}
		tree[name] = n
		return nil
	})
	return tree, err
}

func ofFile(fsys *imagefs.FS, name string, d fs.DirEntry) (*Node, error) {
	info, err := d.Info()
	if err != nil {
		return nil, err
	}
	if info.Mode().Type() != d.Type() || info.IsDir() != d.IsDir() {
		return nil, fmt.Errorf("listed as %s, and is %s", d.Type(), info.Mode())
	}
	st := info.Sys().(*imagefs.Stat)
	n := &Node{
		Type: '?', Mode: int64(info.Mode().Perm()), UID: int64(st.UID), GID: int64(st.GID), ModTime: info.ModTime().UTC(),
		Link: st.Link, Major: int64(st.DevMajor), Minor: int64(st.DevMinor), Xattrs: st.Xattrs,
	}
	for mode, bit := range map[fs.FileMode]int64{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if info.Mode()&mode != 0 {
			n.Mode |= bit
		}
	}
	switch info.Mode().Type() {
	case 0:
		n.Type, n.Size = '0', info.Size()
		f, err := fsys.OpenFile(name)
		if err != nil {
			return nil, err
		}
		var size int64
		if n.Content, size, err = sum(f); err == nil && size != n.Size {
			err = fmt.Errorf("%d bytes, and Stat says %d", size, n.Size)
		}
		return n, err
	case fs.ModeSymlink:
		n.Type, n.Size = '2', info.Size()
	case fs.ModeDevice | fs.ModeCharDevice:
		n.Type = '3'
	case fs.ModeDevice:
		n.Type = '4'
	case fs.ModeDir:
		n.Type = '5'
	case fs.ModeNamedPipe:
		n.Type = '6'
	}
	return n, nil
}
