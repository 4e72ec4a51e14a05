package contents

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// OnDisk lists a directory. Access times of files are left as they are.
//
// A name that the directory lists and nobody finds is left out: the kernel's overlay lists the marks of deletion of a
// directory that only one layer has.
func OnDisk(root string) (Tree, error) {
	tree, first := Tree{}, map[[2]uint64]string{}
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(strings.TrimPrefix(path, root), "/")
		if name == "" {
			name = "."
		}
		var st unix.Stat_t
		switch err := unix.Lstat(path, &st); {
		case errors.Is(err, fs.ErrNotExist) && name != ".":
			return nil
		case err != nil:
			return &fs.PathError{Op: "lstat", Path: path, Err: err}
		}
		n, err := onDisk(path, &st)
		if err != nil {
			return err
		}
		if id := [2]uint64{st.Dev, st.Ino}; n.Type != '5' && st.Nlink > 1 {
			if n.First = first[id]; n.First == "" {
				first[id] = name
			}
		}
		tree[name] = n
		return nil
	})
	return tree, err
}

func onDisk(path string, st *unix.Stat_t) (*Node, error) {
	n := &Node{
		Type: typeOf(st.Mode), Mode: int64(st.Mode & 0o7777), UID: int64(st.Uid), GID: int64(st.Gid),
		ModTime: time.Unix(st.Mtim.Unix()).UTC(),
	}
	var err error
	switch n.Type {
	case '0':
		var f *os.File
		if f, err = os.OpenFile(path, os.O_RDONLY|unix.O_NOATIME|unix.O_NOFOLLOW, 0); err != nil {
			return nil, err
		}
		var size int64
		if n.Content, size, err = sum(f); err == nil && size != st.Size {
			err = fmt.Errorf("%s has %d bytes, and says %d", path, size, st.Size)
		}
		n.Size = st.Size
	case '2':
		n.Size = st.Size
		n.Link, err = os.Readlink(path)
	case '3', '4':
		n.Major, n.Minor = int64(unix.Major(st.Rdev)), int64(unix.Minor(st.Rdev))
	}
	if err != nil {
		return nil, err
	}
	n.Xattrs, err = xattrs(path)
	return n, err
}

func typeOf(mode uint32) byte {
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		return '0'
	case unix.S_IFLNK:
		return '2'
	case unix.S_IFCHR:
		return '3'
	case unix.S_IFBLK:
		return '4'
	case unix.S_IFDIR:
		return '5'
	case unix.S_IFIFO:
		return '6'
	}
	return '?'
}

// xattrs returns nil if there are none.
func xattrs(path string) (map[string]string, error) {
	buf := make([]byte, 64<<10) // as much as the kernel gives
	n, err := unix.Llistxattr(path, buf)
	if err != nil {
		return nil, &fs.PathError{Op: "llistxattr", Path: path, Err: err}
	}
	var all map[string]string
	for name := range strings.SplitSeq(strings.TrimSuffix(string(buf[:n]), "\x00"), "\x00") {
		if name == "" || strings.HasPrefix(name, "trusted.") {
			continue
		}
		n, err := unix.Lgetxattr(path, name, buf)
		if err != nil {
			return nil, &fs.PathError{Op: "lgetxattr " + name, Path: path, Err: err}
		}
		if all == nil {
			all = map[string]string{}
		}
		all[name] = string(buf[:n])
	}
	return all, nil
}
