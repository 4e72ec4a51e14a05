package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/containerd/stargz-snapshotter/estargz"
)

// tree holds what is there by its path.
type tree map[string]*estargz.TOCEntry

// lay reads a layer's tar. Its whiteouts delete what layers below have; its own entries
// come in an order in which a whiteout stands before what the layer puts in that place.
func (t tree) lay(layer io.Reader) error {
	r := tar.NewReader(layer)
	for {
		h, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		name := path.Clean(h.Name)
		dir, base := path.Split(name)
		switch victim, ok := strings.CutPrefix(base, ".wh."); {
		case base == ".wh..wh..opq":
			t.remove(strings.TrimSuffix(dir, "/"), false)
		case ok:
			t.remove(dir+victim, true)
		default:
			if t[name], err = entry(name, h); err != nil {
				return err
			}
		}
	}
}

// remove deletes a path, perhaps only what is below it.
func (t tree) remove(name string, self bool) {
	for other := range t {
		if strings.HasPrefix(other, name+"/") || self && other == name {
			delete(t, other)
		}
	}
}

var types = map[byte]string{
	tar.TypeReg: "reg", tar.TypeDir: "dir", tar.TypeSymlink: "symlink", tar.TypeLink: "hardlink",
	tar.TypeChar: "char", tar.TypeBlock: "block", tar.TypeFifo: "fifo",
}

func entry(name string, h *tar.Header) (*estargz.TOCEntry, error) {
	e := &estargz.TOCEntry{
		Name: name, Type: types[h.Typeflag], LinkName: h.Linkname, ModTime3339: h.ModTime.UTC().Round(time.Second).Format(time.RFC3339),
		Mode: h.Mode, UID: h.Uid, GID: h.Gid, Uname: h.Uname, Gname: h.Gname, DevMajor: int(h.Devmajor), DevMinor: int(h.Devminor),
	}
	switch h.Typeflag {
	case tar.TypeDir:
		e.Name += "/"
	case tar.TypeReg:
		e.Size = h.Size
	}
	if e.Type == "" {
		return nil, fmt.Errorf("%q has type %q", name, h.Typeflag)
	}
	for key, value := range h.PAXRecords {
		if attribute, ok := strings.CutPrefix(key, "SCHILY.xattr."); ok {
			if e.Xattrs == nil {
				e.Xattrs = map[string][]byte{}
			}
			e.Xattrs[attribute] = []byte(value)
		}
	}
	return e, nil
}
