package driver

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync/atomic"
	"syscall"

	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/toc"
)

// Composefs is a flat layer: its diff folder holds regular files only, each named
// by the SHA-256 of its content (diff/ab/cdef…), and their names, metadata and all
// other nodes are in the table of contents that the layer keeps as big data
// (container-libs storage/pkg/chunked/storage_linux.go:makeEntriesFlat,
// internal/path/path.go). The EROFS image beside it, made from the same table, is
// neither needed nor read. It is safe for concurrent use.
//
// All names of a hard-linked file are one node, with the metadata of the first.
// Deletions are ".wh." files, which the table keeps as the tar had them, and
// character devices 0:0, as which they come out of the EROFS image.
type Composefs struct {
	objects *beneath.Dir
	root    *flatNode
	closed  atomic.Bool
}

var _ Reader = (*Composefs)(nil)

// OpenComposefs opens the layer that lies in folder layer (overlay/ID of a store),
// whose table of contents is table. The caller closes the result; layer and table
// are not needed any longer. Memory grows with the table, by about 250 bytes a name.
//
// A table that contradicts itself is refused as a whole, as by the reference's own
// reader (container-libs storage/pkg/chunked/dump/dump.go:dumpNode, composefs
// tools/mkcomposefs.c): one name for two entries that differ, unless both are
// directories, of which the later one's metadata count; an entry below something
// that is not a directory; a hard link to nothing, to itself, or to a directory;
// negative sizes and owners, and device numbers of more than 32 bits; names with NUL
// or of 4096 bytes and more. A digest that cannot name an object gives an error that
// matches [ErrObject]; more than 4 Mi names, more than 256 Ki directories that have
// no entry of their own before others need them, or names that lead through links all
// too often, one that matches [toc.ErrLimit].
func OpenComposefs(layer *beneath.Dir, table io.Reader) (*Composefs, error) {
	objects, err := layer.Dir("diff", beneath.NoLinks)
	if err != nil {
		return nil, err
	}
	x := newIndex(objects)
	if err := x.read(toc.Decode(table, toc.DecodeOptions{})); err != nil {
		_ = objects.Close() // was only read
		return nil, err
	}
	return &Composefs{objects: objects, root: x.root}, nil
}

// Close releases the layer's descriptor; files that were opened stay valid. Calls
// after it fail with [fs.ErrClosed].
func (c *Composefs) Close() error {
	c.closed.Store(true)
	return c.objects.Close()
}

// OpenFile implements [Files].
func (c *Composefs) OpenFile(name string) (*os.File, error) {
	object, err := c.object(name)
	if err != nil {
		return nil, err
	}
	f, err := c.objects.File(object)
	return f, broken(name, err)
}

// ReadFile implements [Reader].
func (c *Composefs) ReadFile(name string, p []byte) (size int64, err error) {
	object, err := c.object(name)
	if err != nil {
		return 0, err
	}
	size, err = c.objects.ReadInto(object, p)
	return size, broken(name, err)
}

// UseFile implements [Reader].
func (c *Composefs) UseFile(name string, use func(fd int, size int64) error) error {
	object, err := c.object(name)
	if err != nil {
		return err
	}
	var used error
	err = c.objects.UseFile(object, func(fd int, size int64) error {
		used = use(fd, size)
		return nil
	})
	if err != nil {
		return broken(name, err)
	}
	return used
}

// object returns the object of a regular file.
func (c *Composefs) object(name string) (string, error) {
	_, n, err := c.find("open", name)
	if err == nil && !n.mode.IsRegular() {
		err = fail("open", name, beneath.ErrNotRegular)
	}
	if err != nil {
		return "", err
	}
	return n.object(), nil
}

// broken tells what the table promised and is not there from other errors: it is
// damage, not absence.
func broken(name string, err error) error {
	for _, damage := range []error{fs.ErrNotExist, syscall.ENOTDIR, syscall.ELOOP, beneath.ErrNotRegular} {
		if errors.Is(err, damage) {
			return fail("open", name, fmt.Errorf("%w: %v", ErrObject, err)) //nolint:errorlint // see ErrObject
		}
	}
	return err
}

// Lstat implements [Files].
func (c *Composefs) Lstat(name string) (*Node, error) {
	base, n, err := c.find("lstat", name)
	if err != nil {
		return nil, err
	}
	return n.node(base), nil
}

// ReadDir implements [Files].
func (c *Composefs) ReadDir(name string) ([]DirEntry, error) {
	_, n, err := c.find("readdir", name)
	if err == nil && !n.mode.IsDir() {
		err = fail("readdir", name, syscall.ENOTDIR)
	}
	if err != nil {
		return nil, err
	}
	all := make([]DirEntry, 0, len(n.children))
	for base, child := range n.children {
		unsure := isWhiteout(child.mode, child.major, child.minor) || hiddenByName(base) != ""
		all = append(all, DirEntry{Name: base, Type: child.mode.Type(), Unsure: unsure})
	}
	slices.SortFunc(all, byName)
	return all, nil
}

// find returns the node of a name, and the name's last component.
func (c *Composefs) find(op, name string) (base string, n *flatNode, err error) {
	if c.closed.Load() {
		return "", nil, fail(op, name, fs.ErrClosed)
	}
	at, err := clean(name)
	if err != nil {
		return "", nil, fail(op, name, err)
	}
	w := walk{root: c.root, steps: maxSteps}
	if base, n, err = w.find(at); err != nil {
		return "", nil, fail(op, name, err)
	}
	return base, n, nil
}

// object returns the place of a regular file's content below diff
// (container-libs storage/pkg/chunked/internal/path/path.go:RegularFilePathForValidatedDigest).
func (n *flatNode) object() string {
	sum := hex.EncodeToString(n.sum[:])
	return sum[:2] + "/" + sum[2:]
}
