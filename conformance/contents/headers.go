package contents

import (
	"context"
	"fmt"
	"strings"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/imagefs"
	"github.com/cstor-go/cstor/merge"
	"github.com/cstor-go/cstor/tarsplit"
)

// OfHeaders lists the merged tree of layers, base first, and reads the files from the layers that own them.
func OfHeaders(ctx context.Context, layers []*cstor.Layer) (Tree, *merge.Tree, error) {
	merged, err := imagefs.Merge(ctx, layers, imagefs.MergeOptions{})
	if err != nil {
		return nil, nil, err
	}
	tree := Tree{}
	for m := range merged.All() {
		e := m.Entry
		n := &Node{ // the mode without the type, which some writers put there, too
			Type: e.Type, Mode: e.Mode & 0o7777, UID: e.UID, GID: e.GID, Size: e.Size, ModTime: e.ModTime,
			Link: e.Linkname, Major: e.Devmajor, Minor: e.Devminor, First: m.Link,
		}
		switch e.Type {
		case '0':
			if e.Sparse != nil {
				n.Size = e.Sparse.Size
			}
			if n.Content, err = content(layers[m.Layer], e, n.Size); err != nil {
				return nil, nil, fmt.Errorf("%q of layer %s: %w", m.Path, layers[m.Layer], err)
			}
		case '2':
			n.Size, n.Mode = int64(len(e.Linkname)), 0o777 // whatever the header has
		}
		for k, v := range e.Xattrs {
			if strings.HasPrefix(k, "trusted.") {
				continue
			}
			if n.Xattrs == nil {
				n.Xattrs = map[string]string{}
			}
			n.Xattrs[k] = v
		}
		tree[m.Path] = n
	}
	return tree, merged, nil
}

// nothing is the SHA-256 of no bytes.
const nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func content(l *cstor.Layer, e *tarsplit.Entry, size int64) (string, error) {
	if e.File == "" {
		return nothing, nil
	}
	f, err := l.OpenFile(e.File)
	if err != nil {
		return "", err
	}
	digest, n, err := sum(f)
	if err == nil && n != size {
		err = fmt.Errorf("%d bytes, and the header says %d", n, size)
	}
	return digest, err
}
