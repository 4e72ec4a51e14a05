package tarsplit

import (
	"archive/tar"
	"fmt"
	"maps"
)

// newHeader returns the header of an entry as archive/tar wants it.
func newHeader(e *Entry) (*tar.Header, error) {
	h := &tar.Header{
		Typeflag: e.Type,
		Name:     e.Name,
		Mode:     e.Mode,
		Uid:      int(e.UID),
		Gid:      int(e.GID),
		Uname:    e.Uname,
		Gname:    e.Gname,
		ModTime:  e.ModTime,
		Format:   tar.FormatPAX,
	}
	if int64(h.Uid) != e.UID || int64(h.Gid) != e.GID {
		return nil, fmt.Errorf("owner %d:%d does not fit in this program", e.UID, e.GID)
	}
	switch e.Type {
	case tar.TypeReg:
		if h.Size = e.Size; e.Sparse != nil {
			h.Size = e.Sparse.Size
		}
		if h.Size < 0 {
			return nil, fmt.Errorf("negative size %d", h.Size)
		}
	case tar.TypeLink, tar.TypeSymlink:
		h.Linkname = e.Linkname
	case tar.TypeChar, tar.TypeBlock:
		h.Devmajor, h.Devminor = e.Devmajor, e.Devminor
	case tar.TypeDir, tar.TypeFifo:
	default:
		return nil, fmt.Errorf("type %q cannot be written", e.Type)
	}
	if len(e.Xattrs)+len(e.PAX) == 0 {
		return h, nil
	}
	h.PAXRecords = maps.Clone(e.PAX)
	if h.PAXRecords == nil {
		h.PAXRecords = map[string]string{}
	}
	for name, value := range e.Xattrs {
		h.PAXRecords["SCHILY.xattr."+name] = value
	}
	return h, nil
}
