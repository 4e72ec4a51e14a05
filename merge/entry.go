package merge

import (
	"archive/tar"
	"encoding/hex"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/cstor-go/cstor/tarsplit"
)

// node makes a Node of a leaf, given the way to it.
func (t *Tree) node(i uint32, path []byte) Node {
	n := &t.nodes[i]
	if n.header == 0 {
		return Node{Path: printed(path), Layer: -1, Entry: &tarsplit.Entry{
			Name: printed(path) + "/", Type: tar.TypeDir, Mode: 0o755, ModTime: time.Unix(0, 0).UTC(),
		}}
	}
	h := t.headers.at(n.header)
	e := t.entry(h)
	out := Node{Layer: int(h.layer), Entry: e}
	if n.odd != 0 {
		out.Path, e.Name = printed(path), *t.odd.at(n.odd)
	} else {
		e.Name = n.shape().of(string(path))
		from := len(n.shape().before())
		out.Path = e.Name[from : from+len(path)] // one string is enough
	}
	switch {
	case n.is(ownFile) && e.Size != 0:
		e.File = e.Name
	case !n.is(ownFile):
		e.File = t.extras.at(h.extra).file
	}
	if first := t.first[n.header]; h.shared && first != i {
		out.Link = string(t.path(first))
	}
	return out
}

func printed(path []byte) string {
	if len(path) == 0 {
		return "."
	}
	return string(path)
}

// entry makes an Entry without names.
func (t *Tree) entry(h *header) *tarsplit.Entry {
	o := t.owners.at(h.owner)
	e := &tarsplit.Entry{
		Type: h.kind, Mode: int64(h.mode), UID: o.uid, GID: o.gid, Uname: o.uname, Gname: o.gname,
		ModTime: time.Unix(h.seconds, int64(h.nanos)).UTC(),
		Size:    h.size, Header: h.offset, Content: h.offset + int64(h.length),
	}
	switch {
	case h.text == 0:
	case hasTarget(h.kind):
		e.Linkname = strings.Clone(t.linkname(h))
	default:
		e.Digest = digest.Digest(sha256Prefix + hex.EncodeToString([]byte(t.texts.at(h.text, sumSize))))
	}
	if h.extra == 0 {
		return e
	}
	x := t.extras.at(h.extra)
	e.Xattrs, e.PAX = t.unpack(x.xattrs), t.unpack(x.attrs)
	if x.oddity == nil {
		return e
	}
	e.AccessTime, e.ChangeTime = x.access, x.change
	e.Devmajor, e.Devminor = x.major, x.minor
	e.Mode, e.Content, e.Sparse = x.mode, e.Header+x.length, x.sparse
	if x.digest != "" {
		e.Digest = digest.Digest(x.digest)
	}
	return e
}
