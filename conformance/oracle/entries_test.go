package oracle

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"testing"

	vtar "github.com/vbatts/tar-split/archive/tar"

	"github.com/cstor-go/cstor/tarsplit"
)

// checkEntries holds what Entries says of a tar against tar-split's reading of it,
// against the files that Next gives, and against what ReadAt reads.
func checkEntries(t *testing.T, tar, recipe []byte, layer *kept, lost losses) (entries []*tarsplit.Entry) {
	t.Helper()
	for entry, err := range tarsplit.Entries(bytes.NewReader(recipe), tarsplit.Options{}) {
		if err != nil {
			t.Fatalf("after %d entries: %v", len(entries), err)
		}
		entries = append(entries, entry)
	}
	rest, global := entries, false
	in := vtar.NewReader(struct{ io.Reader }{bytes.NewReader(tar)})
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == vtar.TypeXGlobalHeader {
			global = true
			continue
		}
		if len(rest) == 0 {
			t.Fatalf("%q is no entry", h.Name)
		}
		if !same(rest[0], h, global) {
			t.Fatalf("entry %+v, tar-split reads %+v", rest[0], h)
		}
		rest = rest[1:]
	}
	if len(rest) > 0 {
		t.Fatalf("%q is no entry to tar-split", rest[0].Name)
	}
	at, err := tarsplit.NewReaderAt(bytes.NewReader(recipe), files{layer}, tarsplit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer at.Close()
	if lost.unmapped {
		checkRest(t, at, tar[:len(tar)-lost.tail], unmapped(entries))
		return entries
	}
	extents := extents(t, recipe, layer)
	checkFiles(t, at, extents)
	checkReaderAt(t, at, tar[:len(tar)-lost.tail])
	for _, e := range entries {
		if e.Size == 0 || e.Sparse != nil && e.Sparse.Size == 0 { // not File == "": an entry may have no name
			continue
		}
		if len(extents) == 0 || extents[0] != (extent{e.File, e.Content, e.Size}) {
			t.Fatalf("entry %+v, files to come %v", e, extents)
		}
		if extents = extents[1:]; !bytes.Equal(tar[e.Content:e.Content+e.Size], stored(e, layer)) {
			t.Fatalf("entry %+v: its content is not at that offset", e)
		}
	}
	if len(extents) > 0 {
		t.Fatalf("files without entry: %v", extents)
	}
	return entries
}

// stored is the content of an entry as the tar has it.
func stored(e *tarsplit.Entry, layer *kept) []byte {
	content := layer.files[e.File]
	if e.Sparse == nil {
		return content
	}
	var data []byte
	for _, f := range e.Sparse.Map {
		data = append(data, content[f[0]:f[0]+f[1]]...)
	}
	return data
}

// unmapped are the entries of which the recipe lacks the map.
func unmapped(entries []*tarsplit.Entry) (list []*tarsplit.Entry) {
	for _, e := range entries {
		if e.Sparse != nil && e.Sparse.Format == "1.0" {
			list = append(list, e)
		}
	}
	return list
}

// checkRest reads what there is between entries that are lost.
func checkRest(t *testing.T, at *tarsplit.ReaderAt, tar []byte, lost []*tarsplit.Entry) {
	t.Helper()
	from := int64(0)
	for _, e := range lost {
		got := make([]byte, e.Content-from+1)
		n, err := at.ReadAt(got, from)
		if bad := (*tarsplit.EntryError)(nil); !errors.Is(err, tarsplit.ErrLost) || !errors.As(err, &bad) || bad.Name != e.Name || !bytes.Equal(got[:n], tar[from:e.Content]) {
			t.Fatalf("ReadAt from %d to %d: %d bytes, %v", from, e.Content, n, err)
		}
		from = e.Content + e.Size
	}
	got := make([]byte, int64(len(tar))-from)
	if n, err := at.ReadAt(got, from); n < len(got) || !bytes.Equal(got, tar[from:]) {
		t.Fatalf("ReadAt from %d to the end: %d bytes, %v", from, n, err)
	}
}

// same compares an entry with tar-split's header. Behind a global header only what
// that cannot change: tar-split does not apply it.
func same(e *tarsplit.Entry, h *vtar.Header, global bool) bool {
	size := e.Size
	if e.Sparse != nil {
		size = e.Sparse.Size
	}
	stated := h.Size
	if e.Type >= '1' && e.Type <= '6' {
		stated = 0
	}
	if e.Name != h.Name || e.Linkname != h.Linkname || e.Type != h.Typeflag || size != stated || e.Mode != h.Mode ||
		e.Devmajor != h.Devmajor || e.Devminor != h.Devminor {
		return false
	}
	return global || int(e.UID) == h.Uid && int(e.GID) == h.Gid && e.Uname == h.Uname && e.Gname == h.Gname &&
		e.ModTime.Equal(h.ModTime) && e.AccessTime.Equal(h.AccessTime) && e.ChangeTime.Equal(h.ChangeTime) && maps.Equal(e.Xattrs, h.Xattrs) //nolint:staticcheck // Xattrs: all that there is
}

// extent is a file in a tar.
type extent struct {
	name       string
	from, size int64
}

func extents(t *testing.T, recipe []byte, layer *kept) (list []extent) {
	t.Helper()
	r, err := tarsplit.NewReader(bytes.NewReader(recipe), files{layer}, tarsplit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		at := r.Offset()
		item, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return list
		case err != nil:
			t.Fatal(err)
		case item.File != nil:
			item.File.Close()
			if last := len(list) - 1; last >= 0 && list[last].from+list[last].size == at { // another piece of a sparse file
				list[last].size += item.Size
				continue
			}
			list = append(list, extent{item.Name, at, item.Size})
		}
	}
}
