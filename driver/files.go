package driver

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/cstor-go/cstor/internal/beneath"
)

// Files are one layer's files on disk. Implementations are safe for concurrent use.
//
// A name is what a tar header calls the file: any bytes but NUL, with or without a
// leading "/" or "./" or trailing "/", and "." or "" for the layer's root. It is
// cleaned first, as unpacking does: "a/../b" is "b", whatever a is. Links in its
// middle are followed inside the layer, its last component never.
//
// A name that is not there gives an error that matches [fs.ErrNotExist]; one below
// something that is not a directory, [syscall.ENOTDIR]; one with NUL,
// [fs.ErrInvalid]; one of more than 4095 bytes, [syscall.ENAMETOOLONG].
type Files interface {
	// OpenFile opens a regular file for reading. The caller closes it. Anything
	// that is not a regular file is an error, and is not opened.
	OpenFile(name string) (*os.File, error)
	// Lstat looks at one node. Marks of the storage are visible: see [Node].
	Lstat(name string) (*Node, error)
	// ReadDir lists a directory, sorted by the bytes of the names, marks included.
	ReadDir(name string) ([]DirEntry, error)
}

// Reader is implemented by all Files of this package.
type Reader interface {
	Files
	// ReadFile reads the regular file name into p if it has len(p) bytes, and
	// returns its size; if that is another, p may hold anything. It is OpenFile,
	// reading and closing in one, and faster for small files; so much that what is
	// not a regular file is refused after it was opened if it is a FIFO. A file that
	// is shortened meanwhile gives an error that matches [io.ErrUnexpectedEOF].
	ReadFile(name string, p []byte) (size int64, err error)
	// UseFile opens the regular file name, calls use with its descriptor and its
	// size in bytes, and closes it. It is as fast as ReadFile, and opens what ReadFile
	// opens. The descriptor is
	// valid until use returns; where its blocks shall be shared, Linux before 5.18
	// refuses it (EXDEV), and one of OpenFile is needed. The error of use is returned
	// as it is.
	UseFile(name string, use func(fd int, size int64) error) error
}

// UseOpened is UseFile of [Reader] by OpenFile.
func UseOpened(files Files, name string, use func(fd int, size int64) error) error {
	f, err := files.OpenFile(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return use(int(f.Fd()), info.Size())
}

// readOpened is ReadFile by OpenFile.
func readOpened(files Files, name string, p []byte) (size int64, err error) {
	f, err := files.OpenFile(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if info.Size() != int64(len(p)) {
		return info.Size(), nil
	}
	if n, err := io.ReadFull(f, p); err != nil {
		if n == 0 && errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return 0, fail("read", name, err)
	}
	return info.Size(), nil
}

// DirEntry is one name in a directory.
type DirEntry struct {
	Name string      // any bytes but "/" and NUL
	Type fs.FileMode // type bits only
	// Unsure: the node may be a whiteout, or of another type, which the storage keeps
	// in an extended attribute. Lstat tells.
	Unsure bool
}

// Node is what the disk knows of one file of a layer.
type Node struct {
	// Mode holds the type, permissions, and set-id and sticky bits. Where the
	// storage keeps the true ones in an extended attribute, these are they; UID,
	// GID, DevMajor and DevMinor likewise (docs/FORMAT.md, "force_mask").
	Mode fs.FileMode
	// UID and GID are the ids that a container of the layer sees, as far as [IDs] tell;
	// 65534 for what it has no id for.
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
	// storage uses; nil if there are none. Ids in capabilities and access control
	// lists are as UID and GID.
	Xattrs map[string]string

	// Hides is the name, in the same directory, that the node deletes from the
	// layers below: a whiteout. Empty for an ordinary node.
	Hides string
	// Opaque says whether a directory hides that of the same name in the layers
	// below.
	Opaque Opaque
	// Redirect is where the layers below have the content of a file with Metacopy, or the
	// children of a directory, in the place of its own name: an absolute name, "/a/b", or
	// one in the same directory, "a"; no component is empty, "." or "..". [Descend]
	// follows it. Only in containers' layers, and only where it has a meaning; empty where
	// the mark is an attribute that this process may not see.
	Redirect string
	// Metacopy marks a file that has metadata only; its content is in a layer
	// below. Not in images' layers, except for files that a layer copied for other
	// owners has of the layers below. False where the mark may not be seen;
	// OpenFile is more careful.
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
	// ErrMetacopy: the file has no content of its own, see [Node.Metacopy], or it
	// is one great hole and the mark may not be seen.
	ErrMetacopy = errors.New("content lies in a lower layer (overlay metacopy)")
	// ErrNotRegular: OpenFile was asked for a directory, link, FIFO, socket or device.
	ErrNotRegular = beneath.ErrNotRegular
	// ErrObject: a flat layer's table of contents promises an object that is not
	// there or cannot be. It is damage, and never matches [fs.ErrNotExist].
	ErrObject = errors.New("no such object in the flat layer")
	// ErrRedirect: a mark leads to what cannot be a name in the layers below. Lstat of
	// the node that has it fails, as it does where the kernel mounts the layer.
	ErrRedirect = errors.New("no valid overlay redirect")
)

// clean returns the place of a name in a layer, relative to the root, which is ""
// (container-libs storage/pkg/archive/archive.go:Unpack cleans so).
func clean(name string) (string, error) {
	if strings.IndexByte(name, 0) >= 0 {
		return "", fs.ErrInvalid
	}
	if name = path.Clean("/" + name)[1:]; len(name) >= pathMax {
		return "", syscall.ENAMETOOLONG
	}
	return name, nil
}

// pathMax is the kernel's limit for a name, in bytes with the NUL at its end.
const pathMax = 4096

func fail(op, name string, err error) error { return &fs.PathError{Op: op, Path: name, Err: err} }
