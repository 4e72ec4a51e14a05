package driver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/beneath"
)

// tree is a layer whose files lie under their own names, in one directory or, for
// a layer with files copied up for other owners, in several: the first that has a
// name answers for it.
type tree struct {
	dirs []*beneath.Dir // scope InRoot; at least one
}

func (t tree) OpenFile(name string) (*os.File, error) {
	return first(t, func(d *beneath.Dir) (*os.File, error) { return d.File(name) })
}

func (t tree) Close() error {
	var err error
	for _, d := range t.dirs {
		err = errors.Join(err, d.Close())
	}
	return err
}

// lstat returns the node as the disk has it, and all its extended attributes.
func (t tree) lstat(name string) (*Node, map[string]string, error) {
	type found struct {
		dir *beneath.Dir
		st  unix.Stat_t
	}
	at, err := first(t, func(d *beneath.Dir) (found, error) {
		st, err := d.Lstat(name)
		return found{d, st}, err
	})
	if err != nil {
		return nil, nil, err
	}
	n := nodeOf(&at.st)
	if n.Mode.Type() == fs.ModeSymlink {
		if n.Link, err = at.dir.Readlink(name); err != nil {
			return nil, nil, err
		}
	}
	xattrs, err := at.dir.Xattrs(name)
	return n, xattrs, err
}

func (t tree) ReadDir(name string) ([]DirEntry, error) {
	var all []DirEntry
	var missing error
	found := false
	for _, d := range t.dirs {
		list, err := list(d, name)
		switch {
		case absent(err):
			missing = err
		case err != nil:
			return nil, err
		default:
			found = true
			all = append(all, list...)
		}
	}
	if !found {
		return nil, missing
	}
	slices.SortStableFunc(all, func(a, b DirEntry) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(all, func(a, b DirEntry) bool { return a.Name == b.Name }), nil
}

func list(d *beneath.Dir, name string) (all []DirEntry, err error) {
	for e, err := range d.ReadDir(name) {
		if err != nil {
			return nil, err
		}
		if len(all) == maxNodes {
			return nil, fmt.Errorf("list %q: more than %d names", name, maxNodes)
		}
		all = append(all, DirEntry{Name: e.Name, Type: e.Type})
	}
	return all, nil
}

// first asks the directories in turn until one has the name.
func first[T any](t tree, ask func(*beneath.Dir) (T, error)) (T, error) {
	for _, d := range t.dirs[:len(t.dirs)-1] {
		if v, err := ask(d); !absent(err) {
			return v, err
		}
	}
	return ask(t.dirs[len(t.dirs)-1])
}

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

// subdirs opens layer/diff, and diff1, diff2… as far as they exist.
func subdirs(layer *beneath.Dir) (tree, error) {
	var t tree
	for i := range maxDiffs {
		name := "diff"
		if i > 0 {
			name = fmt.Sprintf("diff%d", i)
		}
		d, err := layer.Dir(name, beneath.InRoot)
		if i > 0 && errors.Is(err, fs.ErrNotExist) {
			return t, nil
		}
		if err != nil {
			return t, errors.Join(err, t.Close())
		}
		t.dirs = append(t.dirs, d)
	}
	return t, nil
}

// maxDiffs is how many stacked diff folders one layer may have. The reference makes
// one for each change of the id map, in practice one.
const maxDiffs = 16
