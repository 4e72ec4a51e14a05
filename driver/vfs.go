package driver

import "github.com/cstor-go/cstor/internal/beneath"

// VFS is a layer of the vfs driver: the whole tree as it is with this layer
// applied, so that a layer's own part of it can be told only with its tar-split. It
// has no marks. It is safe for concurrent use.
type VFS struct{ tree }

var _ Files = (*VFS)(nil)

// OpenVFS opens the folder id below dirs (vfs/dir of a store). The caller closes
// the result.
func OpenVFS(dirs *beneath.Dir, id string) (*VFS, error) {
	d, err := dirs.Dir(id, beneath.InRoot)
	if err != nil {
		return nil, err
	}
	return &VFS{tree{[]*beneath.Dir{d}}}, nil
}

// Lstat implements [Files].
func (v *VFS) Lstat(name string) (*Node, error) {
	n, xattrs, err := v.lstat(name)
	if err != nil {
		return nil, err
	}
	return n, n.apply(xattrs)
}
