package imagefs

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/cstor-go/cstor/merge"
)

// Complete gives a node of a merged tree of the same layers what the disk has of it, if
// headers do not say it: a directory that no header names (Layer -1) its owner, mode, time
// and attributes, and a further name of a file of layers that are left out (Type '1', see
// [merge.Options]) type, size, device numbers and target of a symbolic link as well. Other
// nodes, one that is not to be found, and one of a type that no header has, stay as they
// are. So does one that cannot be looked at, which is an error.
func (f *FS) Complete(n *merge.Node) error {
	e := n.Entry
	if n.Layer >= 0 && e.Type != '1' {
		return nil
	}
	found, err := f.Lookup(n.Path, false)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP) {
		return nil // the disk has something else
	}
	if err != nil || found.Mode.IsDir() != (e.Type == '5') || found.Layer == nil {
		return err
	}
	if e.Type == '1' {
		kind, ok := typeflags[found.Mode.Type()]
		if !ok {
			return nil // a socket
		}
		e.Type, e.Size, e.Linkname = kind, 0, found.Link
		e.Devmajor, e.Devminor = int64(found.DevMajor), int64(found.DevMinor)
		if kind == '0' {
			e.Size = found.Size
		}
	}
	e.UID, e.GID, e.ModTime, e.Xattrs = int64(found.UID), int64(found.GID), found.ModTime.UTC(), found.Xattrs
	e.Mode = int64(found.Mode.Perm())
	for mode, bit := range map[fs.FileMode]int64{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if found.Mode&mode != 0 {
			e.Mode |= bit
		}
	}
	return nil
}

var typeflags = map[fs.FileMode]byte{
	0: '0', fs.ModeSymlink: '2', fs.ModeDevice | fs.ModeCharDevice: '3', fs.ModeDevice: '4', fs.ModeNamedPipe: '6',
}
