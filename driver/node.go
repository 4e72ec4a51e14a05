package driver

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/beneath"
)

// maxNodes is how many names one directory, or one table of contents, may have.
const maxNodes = 4 << 20

// lstat returns the node as the disk has it, and all its extended attributes.
func lstat(d *beneath.Dir, name string) (*Node, map[string]string, error) {
	found, err := d.Look(name)
	if err != nil {
		return nil, nil, err
	}
	n := nodeOf(&found.Stat_t)
	n.Link = found.Link
	return n, found.Xattrs, nil
}

// list returns the names in a directory, sorted.
func list(d *beneath.Dir, name string) ([]DirEntry, error) {
	var all []DirEntry
	for e, err := range d.ReadDir(name) {
		if err != nil {
			return nil, err
		}
		if len(all) == maxNodes {
			return nil, fail("readdir", name, fmt.Errorf("more than %d names", maxNodes))
		}
		all = append(all, DirEntry{Name: e.Name, Type: e.Type})
	}
	slices.SortFunc(all, byName)
	return all, nil
}

func byName(a, b DirEntry) int { return strings.Compare(a.Name, b.Name) }

// absent reports whether an error says that a name is not there.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR)
}

func nodeOf(st *unix.Stat_t) *Node {
	n := &Node{
		Mode: typeOf(st.Mode) | permissions(st.Mode),
		UID:  int(st.Uid), GID: int(st.Gid), Size: st.Size,
		ModTime: time.Unix(st.Mtim.Unix()),
		Nlink:   uint64(st.Nlink), Dev: st.Dev, Ino: st.Ino,
	}
	if n.Mode&fs.ModeDevice != 0 {
		n.DevMajor, n.DevMinor = unix.Major(st.Rdev), unix.Minor(st.Rdev)
	}
	return n
}

// typeOf translates the type bits of a stat mode.
func typeOf(mode uint32) fs.FileMode {
	switch mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return fs.ModeDir
	case unix.S_IFLNK:
		return fs.ModeSymlink
	case unix.S_IFCHR:
		return fs.ModeDevice | fs.ModeCharDevice
	case unix.S_IFBLK:
		return fs.ModeDevice
	case unix.S_IFIFO:
		return fs.ModeNamedPipe
	case unix.S_IFSOCK:
		return fs.ModeSocket
	case unix.S_IFREG:
		return 0
	}
	return fs.ModeIrregular
}

// permissions translates the lower twelve bits of a stat or tar mode.
func permissions(mode uint32) fs.FileMode {
	m := fs.FileMode(mode & 0o777)
	if mode&unix.S_ISUID != 0 {
		m |= fs.ModeSetuid
	}
	if mode&unix.S_ISGID != 0 {
		m |= fs.ModeSetgid
	}
	if mode&unix.S_ISVTX != 0 {
		m |= fs.ModeSticky
	}
	return m
}
