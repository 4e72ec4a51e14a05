package imagefs

import (
	"io/fs"
	"maps"
	"time"

	"github.com/cstor-go/cstor"
)

// Stat is what Sys of a [fs.FileInfo] of this package returns, as a pointer.
type Stat struct {
	// UID and GID are the ids that a container of the image sees: see
	// [cstor.Layer.Lstat].
	UID, GID int
	// DevMajor and DevMinor are those of a device node.
	DevMajor, DevMinor uint32
	// Nlink, Dev and Ino are those of the file in its layer; 0 in flat layers.
	Nlink, Dev, Ino uint64
	// Link is the target of a symbolic link.
	Link string
	// Xattrs are the extended attributes of the image's own; nil if there are none.
	Xattrs map[string]string
	// Layer has the node; nil for the root of a tree without layers.
	Layer *cstor.Layer
}

// info is a node under the name by which it was asked for.
type info struct {
	name string
	node *node
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.node.Size }
func (i info) Mode() fs.FileMode  { return i.node.Mode }
func (i info) ModTime() time.Time { return i.node.ModTime }
func (i info) IsDir() bool        { return i.node.Mode.IsDir() }
func (i info) String() string     { return fs.FormatFileInfo(i) }

func (i info) Sys() any {
	n := i.node
	return &Stat{
		UID: n.UID, GID: n.GID, DevMajor: n.DevMajor, DevMinor: n.DevMinor, Nlink: n.Nlink, Dev: n.Dev, Ino: n.Ino,
		Link: n.Link, Xattrs: maps.Clone(n.Xattrs), Layer: n.layer,
	}
}
