package driver

import (
	"errors"
	"os"
	"strings"

	"github.com/cstor-go/cstor/internal/beneath"
)

// VFSOptions say what is known of a vfs layer beside its files.
type VFSOptions struct {
	// IDs are what owners mean.
	IDs IDs
}

// VFS is a layer of the vfs driver: the whole tree as it is with this layer
// applied, so that a layer's own part of it can be told only with its tar-split. It
// has no marks: all extended attributes are the image's. It is safe for concurrent
// use.
type VFS struct {
	dir  *beneath.Dir
	opts VFSOptions
}

var _ Reader = (*VFS)(nil)

// OpenVFS opens the folder id below dirs (vfs/dir of a store), which is not needed
// any longer then. The caller closes the result.
func OpenVFS(dirs *beneath.Dir, id string, opts VFSOptions) (*VFS, error) {
	if id == "" || id == "." || id == ".." || strings.Contains(id, "/") { // more or less than one layer
		return nil, fail("open", id, errors.New("not a layer's folder"))
	}
	d, err := dirs.Dir(id, beneath.InRoot)
	if err != nil {
		return nil, err
	}
	return &VFS{d, opts}, nil
}

// Close releases the layer's descriptor; files that were opened stay valid. Calls
// after it fail with [io/fs.ErrClosed].
func (v *VFS) Close() error { return v.dir.Close() }

// OpenFile implements [Files].
func (v *VFS) OpenFile(name string) (*os.File, error) {
	at, err := clean(name)
	if err != nil {
		return nil, fail("open", name, err)
	}
	return v.dir.File(at)
}

// ReadFile implements [Reader].
func (v *VFS) ReadFile(name string, p []byte) (size int64, err error) {
	at, err := clean(name)
	if err != nil {
		return 0, fail("open", name, err)
	}
	return v.dir.ReadInto(at, p)
}

// UseFile implements [Reader].
func (v *VFS) UseFile(name string, use func(fd int, size int64) error) error {
	at, err := clean(name)
	if err != nil {
		return fail("open", name, err)
	}
	return v.dir.UseFile(at, use)
}

// Lstat implements [Files].
func (v *VFS) Lstat(name string) (*Node, error) {
	at, err := clean(name)
	if err != nil {
		return nil, fail("lstat", name, err)
	}
	n, xattrs, err := lstat(v.dir, at)
	if err != nil {
		return nil, err
	}
	n.Xattrs = xattrs
	v.opts.IDs.fromDisk(n)
	v.opts.IDs.toContainer(n)
	return n, nil
}

// ReadDir implements [Files].
func (v *VFS) ReadDir(name string) ([]DirEntry, error) {
	at, err := clean(name)
	if err != nil {
		return nil, fail("readdir", name, err)
	}
	return list(v.dir, at)
}
