package imagefs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/driver"
)

// Options of [New]. There are none yet; the zero value is ready to use.
type Options struct{}

// FS is the tree of a stack of layers. It is safe for concurrent use, and valid as
// long as the layers' Storage is open. It need not be closed.
type FS struct {
	layers []*cstor.Layer // the top first
	tree   tree
	root   *dir
}

var (
	_ fs.FS         = (*FS)(nil)
	_ fs.ReadDirFS  = (*FS)(nil)
	_ fs.ReadFileFS = (*FS)(nil)
	_ fs.StatFS     = (*FS)(nil)
	_ fs.ReadLinkFS = (*FS)(nil)
)

// tree is where nodes come from. Its methods are called concurrently.
type tree interface {
	// root returns the top directory.
	root() (*dir, error)
	// child returns what base names in d; an error that matches fs.ErrNotExist if
	// nothing is there.
	child(d *dir, base string) (*node, error)
	// list returns what is in d, sorted by the bytes of the names.
	list(d *dir) ([]named, error)
	// open opens the content of a regular file. The caller closes it.
	open(n *node) (*os.File, error)
}

// New returns the tree of the layers of an image or a container, base first, or of one
// layer. Without layers it is an empty directory. It opens the layers' folders; errors
// are those of [cstor.Layer.Lstat].
func New(layers []*cstor.Layer, opts Options) (*FS, error) {
	_ = opts
	f := &FS{layers: slices.Clone(layers)}
	slices.Reverse(f.layers)
	f.tree = &disk{layers: f.layers}
	if len(f.layers) > 0 && f.layers[0].Driver() == "vfs" {
		if top := f.layers[0]; len(f.layers) == 1 && top.ParentID() != "" {
			f.tree = &headers{layer: top}
		} else {
			f.tree = &disk{layers: f.layers[:1]}
		}
	}
	var err error
	f.root, err = f.tree.root()
	return f, err
}

// Open implements [fs.FS]. A symbolic link is followed. What is neither a regular file
// nor a directory gives an error that matches driver.ErrNotRegular, and is not opened.
// Regular files implement [io.ReaderAt], [io.Seeker] and [io.WriterTo].
func (f *FS) Open(name string) (fs.File, error) {
	n, err := f.find("open", name, true)
	if err != nil {
		return nil, err
	}
	if n.sub != nil {
		return &openDir{fs: f, node: n, name: path.Base(name)}, nil
	}
	file, err := f.tree.open(n)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &openFile{file: file, info: n.info(path.Base(name))}, nil
}

// Stat implements [fs.StatFS]. Sys of its result is a [*Stat].
func (f *FS) Stat(name string) (fs.FileInfo, error) {
	n, err := f.find("stat", name, true)
	if err != nil {
		return nil, err
	}
	return n.info(path.Base(name)), nil
}

// Lstat implements [fs.ReadLinkFS]: as Stat, but a final link is not followed.
func (f *FS) Lstat(name string) (fs.FileInfo, error) {
	n, err := f.find("lstat", name, false)
	if err != nil {
		return nil, err
	}
	return n.info(path.Base(name)), nil
}

// ReadLink implements [fs.ReadLinkFS]. The target is as it is stored, any bytes.
func (f *FS) ReadLink(name string) (string, error) {
	n, err := f.find("readlink", name, false)
	if err != nil {
		return "", err
	}
	if n.Mode.Type() != fs.ModeSymlink {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	return n.Link, nil
}

// ReadDir implements [fs.ReadDirFS].
func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := f.find("readdir", name, true)
	if err != nil {
		return nil, err
	}
	return f.readDir(n, name)
}

// ReadFile implements [fs.ReadFileFS].
func (f *FS) ReadFile(name string) ([]byte, error) {
	file, err := f.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // was only read
	regular, ok := file.(*openFile)
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errIsDir}
	}
	b := make([]byte, 0, min(regular.info.Size(), 64<<20)+1)
	for {
		n, err := regular.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return b, err
		case len(b) == cap(b):
			b = append(b, 0)[:len(b)]
		}
	}
}

// OpenFile opens a regular file and returns its descriptor, which belongs to the layer's
// file itself. The name may have any bytes but NUL, and a leading slash; ".." and links
// stay in the image. The caller closes the file. Other errors are those of Open.
func (f *FS) OpenFile(name string) (*os.File, error) {
	n, err := f.walk(name, true)
	if err == nil && n.sub != nil {
		err = errIsDir
	}
	var file *os.File
	if err == nil {
		file, err = f.tree.open(n)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return file, nil
}

// List is ReadDir for names of any bytes: see OpenFile.
func (f *FS) List(name string) ([]fs.DirEntry, error) {
	n, err := f.walk(name, true)
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	return f.readDir(n, name)
}

// Found is what a name leads to.
type Found struct {
	// Path is where it is, links resolved: clean, without a leading slash, "." for the
	// root.
	Path string
	*driver.Node
	Layer *cstor.Layer // that has it; nil for the root of a tree without layers
}

// Lookup finds what a name leads to, whatever it is. The last component is followed only
// if follow. Names are as for OpenFile.
func (f *FS) Lookup(name string, follow bool) (Found, error) {
	n, err := f.walk(name, follow)
	if err != nil {
		return Found{}, &fs.PathError{Op: "lookup", Path: name, Err: err}
	}
	return Found{n.name, n.Node, n.layer}, nil
}

// find looks up a name of io/fs.
func (f *FS) find(op, name string, follow bool) (*node, error) {
	n, err := (*node)(nil), fs.ErrInvalid
	if fs.ValidPath(name) {
		n, err = f.walk(name, follow)
	}
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return n, nil
}
