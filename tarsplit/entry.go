package tarsplit

import (
	"errors"
	"fmt"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/cstor-go/cstor/internal/tarhead"
)

// Entry is one entry of a layer tar, as its headers state it, with the extensions
// before it applied. Nothing of it is from the file on disk, which may differ: in
// owner, times, or type.
//
// Fields mean what archive/tar says they mean, but for PAX global headers, which are not
// entries: owners, times and attributes that they state are in the entries behind them,
// as POSIX has it. That is what cstor shows, and not what is on disk: containers-storage
// and archive/tar pass them over (container-libs
// storage/pkg/archive/archive.go:extractTarFileEntry). Whoever looks for what a container
// sees, set-user-ID of an owner or capabilities, finds that in the tree of the layer.
type Entry struct {
	// Name and Linkname are byte-exact, and not cleaned: "./x", "/x", "x/" and
	// "../x" occur. Of a hard link (type '1') Linkname is the Name of another
	// entry, often written otherwise.
	Name, Linkname string
	// Type is the typeflag: archive/tar.TypeReg and so on. The oldest form's 0 is
	// given as '0', or as '5' if Name ends in a slash.
	Type         byte
	Mode         int64 // as in the header; permissions are the lowest 12 bits
	UID, GID     int64
	Uname, Gname string
	// ModTime and the two others are UTC. AccessTime and ChangeTime are the zero
	// Time where the tar has none, which is the rule.
	ModTime, AccessTime, ChangeTime time.Time
	Devmajor, Devminor              int64 // of types '3' and '4'
	// Xattrs are the extended attributes, of any bytes; nil if there are none. An
	// empty one counts. Only records SCHILY.xattr.* are taken, as the extractor
	// does (container-libs storage/pkg/archive/archive.go:PaxSchilyXattr). Entries may
	// share the map: it must not be written to.
	Xattrs map[string]string
	// PAX has the entry's own records that no other field shows; nil if there are
	// none.
	PAX map[string]string

	// Size is how many bytes of content the entry has in the tar, without padding.
	// It is 0 for types '1' to '6', whatever size their header states. Of a sparse
	// file it is less than the file's length, which is Sparse.Size.
	Size int64
	// Sparse tells of the file's holes; nil if the tar records none.
	Sparse *Sparse
	// File is the name under which the recipe has the content: what an [Opener] is
	// given. It is that of Name, except where the recipe's writer was too old for
	// names that are not UTF-8. Empty if the entry has no content.
	File string
	// Digest of the content, where the source of the entries knows it: a table of
	// contents. Empty otherwise, as in what [Entries] gives.
	Digest digest.Digest

	// Redirect, of a directory, is where the layers below have what it shows besides the
	// entries in it, in the place of its own name: "/a/b" from the root, or "b" in the
	// same directory. It is empty but for directories that were renamed in the layer of a
	// container, as overlay writes them, of which no tar can tell: see [Make].
	Redirect string

	// Header is the offset in the tar of the entry's first block, which may be that
	// of an extension, and Content is the offset of what follows the headers:
	// Content-Header bytes describe the entry. Between entries lie padding and
	// global headers.
	Header, Content int64
}

// Sparse tells of the holes of a file. The tar has its data without them, and what lies
// on disk is the file with them, as long as Size: a [Reader] gives pieces of that file,
// unless Format is "1.0".
type Sparse struct {
	// Format is "gnu" (type 'S'), or a version of GNU's form in PAX records: "0.0",
	// "0.1", "1.0". In "1.0" the map is the start of the content: it was not kept, and
	// reading the entry is an [ErrLost].
	Format string
	// Size is the length in bytes of the file with its holes.
	Size int64
	// Map has the offset and the length in bytes of each fragment of data, in
	// order, without overlap, together Entry.Size; some may be empty. The map itself
	// is, if Format is "1.0".
	Map [][2]int64
}

// HeaderError says that a tar is damaged where a header should be. So is its recipe
// then: no such tar can be pulled.
type HeaderError struct {
	Offset int64 // in the tar, of the block or the extension's data
	Err    error
}

func (e *HeaderError) Error() string { return fmt.Sprintf("tar offset %d: %v", e.Offset, e.Err) }

func (e *HeaderError) Unwrap() error { return e.Err }

func headerError(r *tarhead.Reader, err error) error {
	if errors.Is(err, tarhead.ErrTooLong) {
		err = fmt.Errorf("%w: %w", ErrLimit, err)
	}
	return &HeaderError{Offset: r.Offset(), Err: err}
}

func newEntry(h *tarhead.Header) *Entry {
	return &Entry{
		Name:       h.Name,
		Linkname:   h.Linkname,
		Type:       h.Type,
		Mode:       h.Mode,
		UID:        h.UID,
		GID:        h.GID,
		Uname:      h.Uname,
		Gname:      h.Gname,
		ModTime:    h.ModTime,
		AccessTime: h.AccessTime,
		ChangeTime: h.ChangeTime,
		Devmajor:   h.Devmajor,
		Devminor:   h.Devminor,
		Xattrs:     h.Xattrs,
		PAX:        h.PAX,
		Size:       h.Size,
		Sparse:     (*Sparse)(h.Sparse),
		Header:     h.Offset,
		Content:    h.Content,
	}
}
