package conformance

import (
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/containerd/stargz-snapshotter/estargz"
	"github.com/opencontainers/go-digest"
)

// row is what an entry says that does not depend on the blob.
type row struct {
	Name, Type, Time, LinkName, Uname, Gname, Digest string
	Size, Mode                                       int64
	UID, GID, Major, Minor                           int
	Xattrs                                           string
}

func rowOf(e *estargz.TOCEntry) row {
	return row{
		Name: e.Name, Type: e.Type, Time: e.ModTime3339, LinkName: e.LinkName, Uname: e.Uname, Gname: e.Gname, Digest: e.Digest,
		Size: e.Size, Mode: e.Mode, UID: e.UID, GID: e.GID, Major: e.DevMajor, Minor: e.DevMinor, Xattrs: fmt.Sprintf("%q", e.Xattrs),
	}
}

// rows returns the entries but for chunks. Owners' names are filled in, as readers do: the library writes them only where they
// change.
func rows(entries []*estargz.TOCEntry) (all []row) {
	users, groups := map[int]string{}, map[int]string{}
	for _, e := range entries {
		if e.Type == "chunk" {
			continue
		}
		r := rowOf(e)
		if r.Uname == "" {
			r.Uname = users[r.UID]
		}
		if r.Gname == "" {
			r.Gname = groups[r.GID]
		}
		users[r.UID], groups[r.GID] = r.Uname, r.Gname
		all = append(all, r)
	}
	return all
}

// place is what the library finds at a path.
type place struct {
	Row   row
	Links int
	Mode  fs.FileMode
	Time  string
}

// treeOf walks what the library has read.
func treeOf(r *estargz.Reader) map[string]place {
	tree := map[string]place{}
	var walk func(path string, e *estargz.TOCEntry)
	walk = func(path string, e *estargz.TOCEntry) {
		p := place{Row: rowOf(e), Links: e.NumLink, Mode: e.Stat().Mode(), Time: e.ModTime().String()}
		if found, ok := r.Lookup(path); !ok || found != e {
			p.Row.Name = "found otherwise than listed"
		}
		tree[path] = p
		e.ForeachChild(func(base string, child *estargz.TOCEntry) bool {
			walk(strings.TrimPrefix(path+"/"+base, "/"), child)
			return true
		})
	}
	if root, ok := r.Lookup(""); ok {
		walk("", root)
	}
	return tree
}

// ours is a way for the library to read a table that is in no blob.
type ours struct {
	estargz.GzipDecompressor
	toc *estargz.JTOC
}

func (*ours) ParseFooter([]byte) (blobPayloadSize, tocOffset, tocSize int64, err error) {
	return -1, -1, 0, nil
}

func (o *ours) ParseTOC(io.Reader) (*estargz.JTOC, digest.Digest, error) { return o.toc, "", nil }
