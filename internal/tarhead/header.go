package tarhead

import (
	"bytes"
	"fmt"
	"time"
)

// Types of headers that this package treats specially. The others are archive/tar's.
const (
	typeRegular  = '0'
	typeDir      = '5'
	typePAX      = 'x'
	typeGlobal   = 'g'
	typeLongName = 'L'
	typeLongLink = 'K'
	typeSparse   = 'S'
)

// Header is one entry. Strings are byte-exact; times are UTC, and the zero Time
// where the tar has none.
type Header struct {
	Name, Linkname string
	Type           byte // '0' and '5' for the oldest form's regular files and directories
	Mode           int64
	UID, GID       int64
	Uname, Gname   string
	// Size of the content in the tar, in bytes: 0 if Type says that there is none,
	// whatever the header states.
	Size                            int64
	ModTime, AccessTime, ChangeTime time.Time
	Devmajor, Devminor              int64
	Xattrs                          map[string]string // records SCHILY.xattr.*; nil if none
	PAX                             map[string]string // records that no other field shows; nil if none
	Sparse                          *Sparse           // nil if not sparse
	Offset                          int64             // in the tar, of the first block, that of an extension if there is one
	Content                         int64             // in the tar, of what follows the header
}

// Length of the file that the entry describes, in bytes: Size, if it has no holes.
func (h *Header) Length() int64 {
	if h.Sparse != nil {
		return h.Sparse.Size
	}
	return h.Size
}

// What stands in the magic and version fields, and in star's trailer
// (vbatts/tar-split archive/tar/format.go:GetFormat).
type layout int

const (
	v7 layout = iota
	ustar
	gnu
	star
)

func layoutOf(b []byte) layout {
	switch magic := b[257:265]; {
	case string(magic) == "ustar  \x00":
		return gnu
	case string(magic[:6]) != "ustar\x00":
		return v7
	case string(b[508:512]) == "tar\x00":
		return star
	}
	return ustar
}

// numbers reads fields and remembers the first that is none.
type numbers struct{ err error }

func (n *numbers) field(what string, field []byte) int64 {
	x, ok := Number(field)
	if !ok && n.err == nil {
		n.err = fmt.Errorf("%s %q is not a number", what, field)
	}
	return x
}

// parse sets h to what a block states, without extensions.
func (h *Header) parse(b []byte, known *names) error {
	var n numbers
	*h = Header{
		Linkname: string(Text(b[157:257])),
		Type:     b[156],
		Mode:     n.field("mode", b[100:108]),
		UID:      n.field("uid", b[108:116]),
		GID:      n.field("gid", b[116:124]),
		Size:     n.field("size", b[124:136]),
		ModTime:  seconds(n.field("mtime", b[136:148])),
	}
	form := layoutOf(b)
	var prefix []byte
	if form != v7 {
		h.Uname, h.Gname = known.get(Text(b[265:297])), known.get(Text(b[297:329]))
		h.Devmajor, h.Devminor = n.field("devmajor", b[329:337]), n.field("devminor", b[337:345])
	}
	switch form {
	case ustar:
		prefix = Text(b[345:500])
	case star:
		prefix = Text(b[345:476])
		h.AccessTime, h.ChangeTime = seconds(n.field("atime", b[476:488])), seconds(n.field("ctime", b[488:500]))
	case gnu:
		prefix = h.gnuTimes(b)
	}
	var joined [256]byte
	name := joined[:0]
	if len(prefix) > 0 {
		name = append(append(name, prefix...), '/')
	}
	h.Name = string(append(name, Text(b[:100])...))
	return n.err
}

// gnuTimes reads the times that GNU keeps where ustar has its prefix. Go's writer
// before 1.8 put a prefix there all the same, and readers allow for it
// (golang.org/issue/12594; vbatts/tar-split archive/tar/reader.go:readHeader).
func (h *Header) gnuTimes(b []byte) (prefix []byte) {
	var n numbers
	if f := b[345:357]; f[0] != 0 {
		h.AccessTime = seconds(n.field("atime", f))
	}
	if f := b[357:369]; f[0] != 0 {
		h.ChangeTime = seconds(n.field("ctime", f))
	}
	if n.err == nil {
		return nil
	}
	h.AccessTime, h.ChangeTime = time.Time{}, time.Time{}
	prefix = Text(b[345:500])
	if bytes.ContainsFunc(prefix, func(r rune) bool { return r >= 0x80 }) {
		return nil
	}
	return prefix
}

func seconds(n int64) time.Time { return time.Unix(n, 0).UTC() }

// names keeps short strings that occur again and again, owners' names.
type names struct{ seen map[string]string }

func (s *names) get(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if old, ok := s.seen[string(b)]; ok {
		return old
	}
	text := string(b)
	if s.seen == nil {
		s.seen = map[string]string{}
	}
	if len(s.seen) < 256 { // a layer's owners are few
		s.seen[text] = text
	}
	return text
}
