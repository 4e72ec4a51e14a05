package storetest

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// Rechown gives every node at and below path the owner that id makes of the one that it
// has, for users and groups alike; path is relative to the store's root, "." for all of
// it. It takes root.
func Rechown(path string, id func(int) int) Fault {
	return func(s *Store) error {
		type inode struct{ dev, ino uint64 }
		done := map[inode]bool{}
		return filepath.WalkDir(filepath.Join(s.Root, path), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			st := info.Sys().(*syscall.Stat_t)
			at := inode{st.Dev, st.Ino}
			if done[at] { // under another name
				return nil
			}
			done[at] = true
			return rechown(path, st, id)
		})
	}
}

// RechownOne is [Rechown] of one node.
func RechownOne(path string, id func(int) int) Fault {
	return func(s *Store) error {
		path := filepath.Join(s.Root, path)
		var st syscall.Stat_t
		if err := syscall.Lstat(path, &st); err != nil {
			return err
		}
		return rechown(path, &st, id)
	}
}

// rechown restores what a change of owner clears: capabilities and set-id bits.
func rechown(path string, st *syscall.Stat_t, id func(int) int) error {
	const capability = "security.capability"
	value := make([]byte, 64)
	n, err := unix.Lgetxattr(path, capability, value)
	capable := err == nil
	if err := os.Lchown(path, id(int(st.Uid)), id(int(st.Gid))); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFLNK && st.Mode&(unix.S_ISUID|unix.S_ISGID) != 0 {
		if err := syscall.Chmod(path, st.Mode&0o7777); err != nil {
			return err
		}
	}
	if capable {
		return unix.Lsetxattr(path, capability, value[:n], 0)
	}
	return nil
}

// UserID is what an id of an image is on disk in the store of an ordinary user, uid,
// whose subordinate ids begin at first.
func UserID(uid, first int) func(int) int {
	return func(id int) int {
		if id == 0 {
			return uid
		}
		return first + id - 1
	}
}
