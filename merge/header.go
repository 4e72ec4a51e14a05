package merge

import (
	"archive/tar"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/cstor-go/cstor/tarsplit"
)

// A header is what a tar says of one file, which may have several names. What few
// headers have is in an extra.
type header struct {
	size    int64
	offset  int64 // tarsplit.Entry.Header
	seconds int64 // of the modification
	nanos   uint32
	length  uint32 // tarsplit.Entry.Content less the offset
	mode    uint32
	owner   uint32
	extra   uint32 // 0 if there is none
	text    uint32 // the target of a link; a file's SHA-256; else 0
	layer   uint16
	kind    byte // a typeflag, '0' to '6'; '1' only of what the base has from below
	shared  bool // may have several names
}

type owner struct {
	uid, gid     int64
	uname, gname string
}

// An extra is what few headers have: mostly attributes alone.
type extra struct {
	xattrs, attrs string // packed; Xattrs and PAX
	*oddity
}

// An oddity is what hardly any headers have.
type oddity struct {
	access, change time.Time
	major, minor   int64
	mode, length   int64  // the header's fields may be too narrow
	file           string // of a node that is not ownFile
	digest         string // other than SHA-256
	sparse         *tarsplit.Sparse
}

// records are what nodes refer to by index.
type records struct {
	texts   texts
	odd     list[string]
	headers list[header]
	extras  list[extra]
	owners  list[owner]
	text    int64 // bytes in all of them
}

// keep puts a string into texts.
func (r *records) keep(s string) uint32 {
	r.text += int64(len(s))
	return r.texts.add(s)
}

// clone returns s without what it was cut from.
func (r *records) clone(s string) string {
	r.text += int64(len(s))
	return strings.Clone(s)
}

func (r *records) linkname(h *header) string { return r.texts.sized(h.text) }

// kindOf returns the type of file that a typeflag stands for, and '1' for hard links.
// The reference unpacks no others than '0' to '6' (container-libs
// storage/pkg/archive/archive.go:extractTarFileEntry). Contiguous and GNU's sparse
// files are files by their definitions.
func kindOf(typeflag byte) (byte, error) {
	switch typeflag {
	case tar.TypeReg, tar.TypeLink, tar.TypeSymlink, tar.TypeChar, tar.TypeBlock, tar.TypeDir, tar.TypeFifo:
		return typeflag, nil
	case tar.TypeCont, tar.TypeGNUSparse:
		return tar.TypeReg, nil
	}
	return 0, fmt.Errorf("type %q: %w", typeflag, errors.ErrUnsupported)
}

// hasTarget tells which kinds keep Linkname.
func hasTarget(kind byte) bool { return kind == tar.TypeSymlink || kind == tar.TypeLink }

// pack makes a header of an entry that is no hard link, or of one that stays one. Own tells whether the
// content, if any, is under the entry's name.
func (d *draft) pack(e *tarsplit.Entry, kind byte, layer uint16) (h header, own bool, err error) {
	h = header{
		size: e.Size, offset: e.Header, seconds: e.ModTime.Unix(), nanos: uint32(e.ModTime.Nanosecond()),
		length: uint32(e.Content - e.Header), mode: uint32(e.Mode), owner: d.ownerOf(e), layer: layer, kind: kind,
	}
	own = e.File == "" && e.Size == 0 || e.File == e.Name && e.Size != 0
	odd := !own || int64(h.mode) != e.Mode || int64(h.length) != e.Content-e.Header
	switch {
	case hasTarget(kind) && len(e.Linkname) > maxPath:
		return header{}, false, syscall.ENAMETOOLONG
	case hasTarget(kind):
		d.text += int64(len(e.Linkname))
		h.text = d.texts.addSized(e.Linkname)
	case e.Digest != "":
		h.text = d.packDigest(string(e.Digest))
		odd = odd || h.text == 0
	}
	odd = odd || !e.AccessTime.IsZero() || !e.ChangeTime.IsZero() || e.Devmajor != 0 || e.Devminor != 0 || e.Sparse != nil
	if odd || len(e.Xattrs)+len(e.PAX) != 0 {
		x := extra{xattrs: d.packMap(e.Xattrs), attrs: d.packMap(e.PAX)}
		if odd {
			x.oddity = d.oddityOf(e, h.text == 0)
		}
		h.extra = d.extras.add(x)
	}
	return h, own, nil
}

func (d *draft) oddityOf(e *tarsplit.Entry, oddDigest bool) *oddity {
	o := &oddity{
		access: e.AccessTime, change: e.ChangeTime, major: e.Devmajor, minor: e.Devminor,
		mode: e.Mode, length: e.Content - e.Header, file: d.clone(e.File), sparse: e.Sparse,
	}
	if oddDigest {
		o.digest = d.clone(string(e.Digest))
	}
	if e.Sparse != nil {
		d.text += 16 * int64(len(e.Sparse.Map))
	}
	return o
}

const (
	sha256Prefix = "sha256:" // of 64 digits
	sumSize      = 32
)

// packDigest returns where the 32 bytes of a SHA-256 are, 0 if it is something else.
func (d *draft) packDigest(text string) uint32 {
	var sum [sumSize]byte
	digits, ok := strings.CutPrefix(text, sha256Prefix)
	if !ok || len(digits) != 2*len(sum) {
		return 0
	}
	if _, err := hex.Decode(sum[:], []byte(digits)); err != nil || hex.EncodeToString(sum[:]) != digits {
		return 0
	}
	return d.keep(string(sum[:]))
}

// ownerOf returns the owner's index. An entry mostly has the one of the entry before.
func (d *draft) ownerOf(e *tarsplit.Entry) uint32 {
	o := owner{e.UID, e.GID, e.Uname, e.Gname}
	if d.headers.n > 1 {
		if last := d.headers.at(uint32(d.headers.n - 1)).owner; *d.owners.at(last) == o {
			return last
		}
	}
	return d.own(o)
}

func (d *draft) own(o owner) uint32 {
	i, ok := d.owned[o]
	if !ok {
		o.uname, o.gname = d.clone(o.uname), d.clone(o.gname)
		i = d.owners.add(o)
		d.owned[o] = i
	}
	return i
}
