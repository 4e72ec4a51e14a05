package cstor

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/tarsplit"
	"github.com/cstor-go/cstor/toc"
)

// hasTOC reports whether the layer keeps the table of contents of its blob.
func (l *Layer) hasTOC() bool { return slices.Contains(l.rec.BigDataNames, driver.TableKey) }

// tocEntries makes entries of the layer's table of contents, whose files are in
// files.
func (l *Layer) tocEntries(files driver.Files) iter.Seq2[*tarsplit.Entry, error] {
	return func(yield func(*tarsplit.Entry, error) bool) {
		for t, err := range l.TOC() {
			if err != nil {
				yield(nil, err)
				return
			}
			if t.Type == toc.TypeChunk {
				continue
			}
			if toc.IsLandmark(t) {
				if _, err := files.Lstat(t.Name); errors.Is(err, fs.ErrNotExist) {
					continue
				}
			}
			e, err := tocEntry(t)
			if err != nil {
				yield(nil, fmt.Errorf("table of contents: entry %.100q: %w", t.Name, err))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// tocTypes are the typeflags of a table's types.
var tocTypes = map[string]byte{
	toc.TypeReg: typeReg, toc.TypeDir: typeDir, toc.TypeSymlink: typeSymlink, toc.TypeHardlink: typeLink,
	toc.TypeChar: typeChar, toc.TypeBlock: typeBlock, toc.TypeFifo: typeFifo,
}

// tocEntry translates one entry of a table. A name with a NUL, which neither a tar nor a
// disk can have, is refused.
func tocEntry(t *toc.Entry) (*tarsplit.Entry, error) {
	kind, ok := tocTypes[t.Type]
	switch {
	case !ok:
		return nil, fmt.Errorf("unknown type %.80q", t.Type)
	case t.Size < 0:
		return nil, fmt.Errorf("size %d", t.Size)
	case strings.IndexByte(t.Name, 0) >= 0:
		return nil, errors.New("a NUL in the name")
	case strings.IndexByte(t.LinkName, 0) >= 0:
		return nil, fmt.Errorf("a NUL in the name %.100q that it links to", t.LinkName)
	}
	e := &tarsplit.Entry{
		Name: t.Name, Linkname: t.LinkName, Type: kind, Mode: t.Mode & 0o7777, UID: t.UID, GID: t.GID,
		Uname: t.UserName, Gname: t.GroupName, ModTime: t.ModTime.UTC(), Devmajor: t.DevMajor, Devminor: t.DevMinor,
	}
	if t.ModTime.IsZero() { // eStargz leaves the epoch out
		e.ModTime = time.Unix(0, 0).UTC()
	}
	if kind == typeDir && !strings.HasSuffix(e.Name, "/") { // eStargz leaves the slash out
		e.Name = cmp.Or(e.Name, ".") + "/"
	}
	if kind == typeReg && t.Size > 0 {
		e.Size, e.File, e.Digest = t.Size, t.Name, t.Digest
	}
	for k, v := range t.Xattrs {
		if e.Xattrs == nil {
			e.Xattrs = make(map[string]string, len(t.Xattrs))
		}
		e.Xattrs[k] = string(v)
	}
	return e, nil
}
