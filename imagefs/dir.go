package imagefs

import (
	"io"
	"io/fs"
)

// named is a name in a directory, with the type bits of what it names.
type named struct {
	name string
	mode fs.FileMode
}

// dirEntry is a name in a directory. Info looks it up when it is called.
type dirEntry struct {
	named
	fs  *FS
	dir *dir
}

func (e dirEntry) Name() string      { return e.name }
func (e dirEntry) IsDir() bool       { return e.mode.IsDir() }
func (e dirEntry) Type() fs.FileMode { return e.mode }
func (e dirEntry) String() string    { return fs.FormatDirEntry(e) }

func (e dirEntry) Info() (fs.FileInfo, error) {
	n, err := e.fs.tree.child(e.dir, e.name)
	if err != nil {
		return nil, &fs.PathError{Op: "lstat", Path: join(e.dir.name, e.name), Err: err}
	}
	return n.info(e.name), nil
}

// readDir lists a directory; name is for errors.
func (f *FS) readDir(n *node, name string) ([]fs.DirEntry, error) {
	if n.sub == nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errNotDir}
	}
	list, err := f.tree.list(n.sub)
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	all := make([]fs.DirEntry, len(list))
	for i, e := range list {
		all[i] = dirEntry{e, f, n.sub}
	}
	return all, nil
}

// openDir is an open directory. It is listed when it is first read.
type openDir struct {
	fs   *FS
	node *node
	name string

	listed bool
	rest   []fs.DirEntry
	closed bool
}

var _ fs.ReadDirFile = (*openDir)(nil)

func (d *openDir) Stat() (fs.FileInfo, error) {
	if d.closed {
		return nil, &fs.PathError{Op: "stat", Path: d.node.name, Err: fs.ErrClosed}
	}
	return d.node.info(d.name), nil
}

func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.node.name, Err: errIsDir}
}

func (d *openDir) Close() error {
	if d.closed {
		return &fs.PathError{Op: "close", Path: d.node.name, Err: fs.ErrClosed}
	}
	d.closed = true
	return nil
}

// ReadDir implements [fs.ReadDirFile].
func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if d.closed {
		return nil, &fs.PathError{Op: "readdir", Path: d.node.name, Err: fs.ErrClosed}
	}
	if !d.listed {
		all, err := d.fs.readDir(d.node, d.node.name)
		if err != nil {
			return nil, err
		}
		d.listed, d.rest = true, all
	}
	if n <= 0 {
		n = len(d.rest)
	} else if len(d.rest) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.rest))
	out := d.rest[:n:n]
	d.rest = d.rest[n:]
	return out, nil
}
