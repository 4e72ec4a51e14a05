package driver

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"strings"
	"syscall"
	"time"

	"github.com/cstor-go/cstor/toc"
)

// A flatNode is what the table of contents of a flat layer says of one node. There
// may be millions, so it has no names and none of what flat layers never have.
type flatNode struct {
	mode         fs.FileMode
	uid, gid     uint32
	major, minor uint32
	size         int64
	mtime        time.Time
	link         string            // target of a symbolic link
	sum          [sha256.Size]byte // of a regular file
	xattrs       map[string]string

	parent   *flatNode            // of a directory; the root's is the root
	children map[string]*flatNode // of a directory, by name
	opaque   bool                 // of a directory

	// hard: until its target is read, the node stands for the hard link to link.
	hard bool
}

// newFlatDir returns a directory that no entry names, as it comes out of the EROFS
// image (container-libs storage/pkg/chunked/dump/dump.go:dumpNode).
func newFlatDir(parent *flatNode) *flatNode {
	return &flatNode{mode: fs.ModeDir | 0o755, mtime: time.Unix(0, 0), parent: parent, children: map[string]*flatNode{}}
}

// newFlatNode checks and translates an entry.
func newFlatNode(e *toc.Entry) (*flatNode, error) {
	switch {
	case uint64(e.UID) > math.MaxUint32 || uint64(e.GID) > math.MaxUint32: // or negative
		return nil, fmt.Errorf("owner %d:%d", e.UID, e.GID)
	case uint64(e.DevMajor) > math.MaxUint32 || uint64(e.DevMinor) > math.MaxUint32:
		return nil, fmt.Errorf("device %d:%d", e.DevMajor, e.DevMinor)
	case e.Size < 0:
		return nil, fmt.Errorf("size %d", e.Size)
	}
	n := &flatNode{
		mode: permissions(uint32(e.Mode & 0o7777)), // zstd:chunked adds type bits
		uid:  uint32(e.UID), gid: uint32(e.GID), mtime: e.ModTime,
	}
	if n.mtime.IsZero() { // eStargz leaves the epoch out
		n.mtime = time.Unix(0, 0)
	}
	switch e.Type {
	case toc.TypeReg:
		n.size = e.Size
		if err := n.content(e); err != nil {
			return nil, err
		}
	case toc.TypeDir:
		n.mode |= fs.ModeDir
		n.children = map[string]*flatNode{}
	case toc.TypeSymlink:
		n.mode |= fs.ModeSymlink
		n.link, n.size = e.LinkName, int64(len(e.LinkName))
		switch {
		case n.link == "" || strings.IndexByte(n.link, 0) >= 0:
			return nil, fmt.Errorf("link to %.80q", n.link)
		case len(n.link) >= pathMax:
			return nil, syscall.ENAMETOOLONG
		}
	case toc.TypeHardlink:
		n.hard = true
		var err error
		if n.link, err = clean(e.LinkName); err != nil {
			return nil, fmt.Errorf("hard link: %w", err)
		}
	case toc.TypeChar:
		n.mode |= fs.ModeDevice | fs.ModeCharDevice
		n.major, n.minor = uint32(e.DevMajor), uint32(e.DevMinor)
	case toc.TypeBlock:
		n.mode |= fs.ModeDevice
		n.major, n.minor = uint32(e.DevMajor), uint32(e.DevMinor)
	case toc.TypeFifo:
		n.mode |= fs.ModeNamedPipe
	default:
		return nil, fmt.Errorf("unknown type %.80q", e.Type)
	}
	if len(e.Xattrs) > 0 {
		n.xattrs = make(map[string]string, len(e.Xattrs))
		for k, v := range e.Xattrs {
			n.xattrs[k] = string(v)
		}
	}
	return n, nil
}

// content sets the name of a regular file's object. An empty file may have none.
func (n *flatNode) content(e *toc.Entry) error {
	if e.Digest == "" && e.Size == 0 {
		n.sum = sha256.Sum256(nil)
		return nil
	}
	sum, ok := strings.CutPrefix(string(e.Digest), "sha256:")
	if !ok || len(sum) != hex.EncodedLen(len(n.sum)) || strings.ToLower(sum) != sum {
		return fmt.Errorf("%w: digest %.100q", ErrObject, e.Digest)
	}
	if _, err := hex.Decode(n.sum[:], []byte(sum)); err != nil {
		return fmt.Errorf("%w: digest %.100q", ErrObject, e.Digest)
	}
	return nil
}

// node returns n as the file that base, its last component, names.
func (n *flatNode) node(base string) *Node {
	node := &Node{
		Mode: n.mode, UID: int(n.uid), GID: int(n.gid), Size: n.size, ModTime: n.mtime,
		DevMajor: n.major, DevMinor: n.minor, Hides: hiddenByName(base),
		Xattrs: maps.Clone(n.xattrs), // the caller may change it
	}
	switch {
	case n.mode.Type() == fs.ModeSymlink:
		node.Link = n.link
	case isWhiteout(n.mode, n.major, n.minor):
		// composefs libcomposefs/lcfs-writer-erofs.c, "escape whiteouts".
		node.Hides = base
	case n.opaque:
		node.Opaque = OpaqueYes
	}
	return node
}

// describe gives a directory the metadata of another entry for it.
func (n *flatNode) describe(e *flatNode) {
	n.mode, n.uid, n.gid, n.mtime, n.xattrs = e.mode, e.uid, e.gid, e.mtime, e.xattrs
}
