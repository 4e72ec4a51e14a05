package cstor

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"strings"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/tarsplit"
)

// treeEntries makes entries of the layer's files: those of an overlay layer as they
// are, and of a vfs layer, which is a whole tree, what it has otherwise than its
// parent's. Whiteouts become the ".wh." files by which tars say the same.
func (l *Layer) treeEntries(files driver.Files) iter.Seq2[*tarsplit.Entry, error] {
	nodes := driver.Walk(files)
	return func(yield func(*tarsplit.Entry, error) bool) {
		if l.place.driver == "vfs" && l.rec.Parent != "" {
			parent, err := l.snap.layer(l.rec.Parent)
			if err != nil {
				yield(nil, fmt.Errorf("parent: %w", err))
				return
			}
			below, err := l.snap.trees.use(parent)
			if err != nil {
				yield(nil, parent.fail(err))
				return
			}
			defer l.snap.trees.done(below)
			nodes = driver.Changes(files, below.Tree, driver.ChangesOptions{})
		}
		m := entryMaker{first: map[inode]*linked{}}
		for n, err := range nodes {
			if err != nil {
				yield(nil, err)
				return
			}
			entries, err := m.entries(n)
			if err != nil {
				yield(nil, &fs.PathError{Op: "entry of", Path: n.Name, Err: err})
				return
			}
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// Types of entries, as archive/tar calls them; that package links os/user, and so
// perhaps C.
const (
	typeReg     = '0'
	typeLink    = '1'
	typeSymlink = '2'
	typeChar    = '3'
	typeBlock   = '4'
	typeDir     = '5'
	typeFifo    = '6'
)

// inode tells files apart whatever their names are.
type inode struct{ dev, ino uint64 }

// maxLinked is how many bytes names of files may have together that have further names
// still to come.
const maxLinked = 512 << 20

// linked is a file with several names.
type linked struct {
	first string
	left  uint64 // names still to come
}

// entryMaker translates the nodes of one layer.
type entryMaker struct {
	first map[inode]*linked
	bytes int // of names in it
}

// Names by which a tar deletes what layers below have (OCI image-spec layer.md,
// "Whiteouts").
const (
	whiteoutPrefix = ".wh."
	opaqueName     = ".wh..wh..opq"
)

// entries returns the entry of a node, and for an opaque directory a second one that
// says so. A socket has none: tars know of no such thing.
func (m *entryMaker) entries(n driver.Named) ([]*tarsplit.Entry, error) {
	dir, base := path.Split(n.Name)
	if strings.HasPrefix(n.Hides, whiteoutPrefix) { // fuse-overlayfs "deletes" .wh..opq
		return nil, nil
	}
	if n.Hides != "" {
		gone := &tarsplit.Entry{Name: dir + whiteoutPrefix + n.Hides, Type: typeReg, ModTime: n.ModTime.UTC()}
		return []*tarsplit.Entry{gone}, nil
	}
	if strings.HasPrefix(base, whiteoutPrefix) {
		return nil, errors.New("a tar with this name would delete what it seems to name")
	}
	e := &tarsplit.Entry{
		Name: n.Name, Mode: tarMode(n.Mode), UID: int64(n.UID), GID: int64(n.GID), ModTime: n.ModTime.UTC(), Xattrs: n.Xattrs,
	}
	switch n.Mode.Type() {
	case 0:
		first, again := m.seen(n)
		if again {
			e.Type, e.Linkname = typeLink, first
			break
		}
		if m.bytes > maxLinked {
			return nil, fmt.Errorf("more than %d bytes of names of files that have several: %w", maxLinked, tarsplit.ErrLimit)
		}
		if e.Type = typeReg; n.Size > 0 {
			e.Size, e.File = n.Size, n.Name
		}
	case fs.ModeDir:
		e.Type, e.Name, e.Redirect = typeDir, n.Name+"/", n.Redirect
		switch n.Opaque {
		case driver.OpaqueYes:
			return []*tarsplit.Entry{e, {Name: e.Name + opaqueName, Type: typeReg, ModTime: e.ModTime}}, nil
		case driver.OpaqueUnknown:
			return nil, fmt.Errorf("whether the directory hides those of the layers below is not for us to see (trusted.overlay.opaque): root can: %w", fs.ErrPermission)
		}
	case fs.ModeSymlink:
		e.Type, e.Linkname = typeSymlink, n.Link
	case fs.ModeDevice:
		e.Type, e.Devmajor, e.Devminor = typeBlock, int64(n.DevMajor), int64(n.DevMinor)
	case fs.ModeDevice | fs.ModeCharDevice:
		e.Type, e.Devmajor, e.Devminor = typeChar, int64(n.DevMajor), int64(n.DevMinor)
	case fs.ModeNamedPipe:
		e.Type = typeFifo
	default: // a socket
		return nil, nil
	}
	return []*tarsplit.Entry{e}, nil
}

// seen returns the first name of a file that has been seen under another one.
func (m *entryMaker) seen(n driver.Named) (first string, again bool) {
	if n.Nlink < 2 {
		return "", false
	}
	id := inode{n.Dev, n.Ino}
	file := m.first[id]
	if file == nil {
		m.first[id] = &linked{n.Name, n.Nlink - 1}
		m.bytes += len(n.Name)
		return "", false
	}
	if file.left--; file.left == 0 {
		delete(m.first, id)
		m.bytes -= len(file.first)
	}
	return file.first, true
}

// tarMode is the mode of a tar header: permissions, and set-id and sticky bits.
func tarMode(m fs.FileMode) int64 {
	mode := int64(m.Perm())
	if m&fs.ModeSetuid != 0 {
		mode |= 0o4000
	}
	if m&fs.ModeSetgid != 0 {
		mode |= 0o2000
	}
	if m&fs.ModeSticky != 0 {
		mode |= 0o1000
	}
	return mode
}
