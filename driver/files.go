package driver

import (
	"errors"
	"io/fs"
	"os"
	"time"
)

// Files are one layer's files on disk. Implementations are safe for concurrent use.
//
// A name is what a tar header calls the file: any bytes but NUL, with or without a
// leading "/" or "./" or trailing "/", and "." or "" for the layer's root. Links in
// its middle are followed inside the layer, its last component never. A name that
// is not there gives an error that matches [fs.ErrNotExist].
type Files interface {
	// OpenFile opens a regular file for reading. The caller closes it. Anything
	// that is not a regular file is an error.
	OpenFile(name string) (*os.File, error)
	// Lstat looks at one node. Marks of the storage are visible: see [Node].
	Lstat(name string) (*Node, error)
	// ReadDir lists a directory, sorted by the bytes of the names, marks included.
	ReadDir(name string) ([]DirEntry, error)
}

// DirEntry is one name in a directory.
type DirEntry struct {
	Name string      // any bytes but "/" and NUL
	Type fs.FileMode // type bits only
}

// Node is what the disk knows of one file of a layer.
type Node struct {
	// Mode holds the type, permissions, and set-id and sticky bits. Where the
	// storage keeps the true ones in an extended attribute, these are they; UID,
	// GID, DevMajor and DevMinor likewise.
	Mode     fs.FileMode
	UID, GID int
	// Size in bytes; of a symbolic link, the length of its target.
	Size    int64
	ModTime time.Time
	// DevMajor and DevMinor are those of a device node.
	DevMajor, DevMinor uint32
	// Nlink, Dev and Ino tell hard links apart; 0 where a driver has none.
	Nlink, Dev, Ino uint64
	// Link is the target of a symbolic link.
	Link string
	// Xattrs are the image's own extended attributes, without those that the
	// storage uses; nil if there are none.
	Xattrs map[string]string

	// Hides is the name, in the same directory, that the node deletes from the
	// layers below: a whiteout. Empty for an ordinary node.
	Hides string
	// Opaque says whether a directory hides that of the same name in the layers
	// below.
	Opaque Opaque
	// Redirect is where, in the layers below, the kernel would look for the node's
	// content or children in place of its own name; only in containers' layers.
	Redirect string
	// Metacopy marks a file that has metadata only; its content is in a layer
	// below. Only in containers' layers.
	Metacopy bool
}

// Opaque is an answer of three: overlay's mark on a directory may be unreadable.
type Opaque int

// Opaque answers.
const (
	OpaqueNo      Opaque = iota
	OpaqueYes            // hides the directories of that name below
	OpaqueUnknown        // the mark is a trusted.* attribute, which this process may not see
)

// Errors of [Files] that callers may want to tell apart. They come wrapped.
var (
	// ErrMetacopy: the file has no content of its own, see [Node.Metacopy].
	ErrMetacopy = errors.New("content lies in a lower layer (overlay metacopy)")
	// ErrObject: a flat layer's table of contents promises an object that is not
	// there or cannot be.
	ErrObject = errors.New("no such object in the flat layer")
)
