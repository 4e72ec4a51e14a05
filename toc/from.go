package toc

import (
	"cmp"
	"errors"
	"fmt"
	"path"

	"github.com/cstor-go/cstor/tarsplit"
)

// types are those of a table by the typeflags of a tar.
var types = map[byte]string{
	'0': TypeReg, '1': TypeHardlink, '2': TypeSymlink, '3': TypeChar, '4': TypeBlock, '5': TypeDir, '6': TypeFifo, 'S': TypeReg,
}

// From translates an entry of a tar. Its name is cleaned: no slash in front, and one at
// the end of directories; the root is "./". So are targets of hard links. A sparse file
// has its full length. Whiteouts stay files of their names. Types other than '0' to
// '6' and 'S' are an error.
//
// The maps of the result are its own; all else is shared.
func From(e *tarsplit.Entry) (*Entry, error) {
	kind, ok := types[e.Type]
	if !ok {
		return nil, fmt.Errorf("entry %.100q: a table has no type %q", e.Name, e.Type)
	}
	if e.Redirect != "" {
		return nil, fmt.Errorf("entry %.100q: what it shows lies in the layers below as %.200q (overlay redirect), and no table of one layer can say so: %w", e.Name, e.Redirect, errors.ErrUnsupported)
	}
	t := &Entry{
		Name: clean(e.Name), Type: kind, Mode: e.Mode, UID: e.UID, GID: e.GID, UserName: e.Uname, GroupName: e.Gname, ModTime: e.ModTime,
	}
	switch kind {
	case TypeReg:
		if t.Size, t.Digest = e.Size, e.Digest; e.Sparse != nil {
			t.Size = e.Sparse.Size
		}
	case TypeHardlink:
		t.LinkName = clean(e.Linkname)
	case TypeSymlink:
		t.LinkName = e.Linkname
	case TypeChar, TypeBlock:
		t.DevMajor, t.DevMinor = e.Devmajor, e.Devminor
	case TypeDir:
		t.Name += "/"
	}
	if len(e.Xattrs) > 0 {
		t.Xattrs = make(map[string][]byte, len(e.Xattrs))
		for k, v := range e.Xattrs {
			t.Xattrs[k] = []byte(v)
		}
	}
	return t, nil
}

// clean returns a tar's name as a clean one from the root, which is ".".
func clean(name string) string {
	if !isClean(name) {
		name = path.Clean("/" + name)[1:]
	}
	return cmp.Or(name, ".")
}

// isClean tells of most names that they are: no component is empty or begins with a dot.
func isClean(name string) bool {
	slash := true
	for i := range len(name) {
		if slash && (name[i] == '/' || name[i] == '.') {
			return false
		}
		slash = name[i] == '/'
	}
	return !slash
}
