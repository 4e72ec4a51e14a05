package tarhead

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// read lists the headers of a tar that is fed in chunks, its content included.
func read(data []byte, chunk int) (list []Header, err error) {
	var r Reader
	for len(data) > 0 {
		rest := data[:min(chunk, len(data))]
		data = data[len(rest):]
		for rest != nil {
			var h *Header
			if rest, h, err = r.Next(rest); err != nil {
				return list, err
			}
			if h != nil {
				list = append(list, *h)
			}
		}
	}
	return list, r.End()
}

// peerEntry is what archive/tar says of one.
type peerEntry struct {
	tar.Header
	content int64 // where the content begins
}

// peer lists the entries of a tar that archive/tar gives, and reads their content,
// as writers of tar-split files do. It gives up on files that are said to be long.
func peer(data []byte) (list []peerEntry, err error) {
	in := bytes.NewReader(data)
	globals := map[string]string{}
	r := tar.NewReader(struct{ io.Reader }{in}) // hides Seek
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return list, err
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			if h.PAXRecords == nil { // one is no number, and all are dropped (archive/tar reader.go:next)
				return list, errors.New("records of a global header are lost")
			}
			maps.Copy(globals, h.PAXRecords)
			continue
		}
		inherit(h, globals)
		e := peerEntry{*h, in.Size() - int64(in.Len())}
		if h.Size > 1<<20 && !HeaderOnly(h.Typeflag, "") {
			return list, errors.New("too long to read")
		}
		if h.Size > 0 {
			if _, err := io.Copy(io.Discard, r); err != nil {
				return list, err
			}
		}
		list = append(list, e)
	}
}

// inherit does what archive/tar does not: it applies the records of global headers.
func inherit(h *tar.Header, globals map[string]string) {
	for key, value := range globals {
		if _, own := h.PAXRecords[key]; own {
			continue
		}
		n, errNumber := strconv.Atoi(value)
		when, isTime := paxTime(value)
		switch {
		case strings.HasPrefix(key, xattrPrefix):
			if h.PAXRecords == nil {
				h.PAXRecords = map[string]string{}
			}
			h.PAXRecords[key] = value
		case value == "":
		case key == "uname":
			h.Uname = value
		case key == "gname":
			h.Gname = value
		case key == "uid" && errNumber == nil:
			h.Uid = n
		case key == "gid" && errNumber == nil:
			h.Gid = n
		case key == "mtime" && isTime:
			h.ModTime = when
		case key == "atime" && isTime:
			h.AccessTime = when
		case key == "ctime" && isTime:
			h.ChangeTime = when
		}
	}
}

// compare fails unless the headers of data are what archive/tar reads, as far as it
// does; whole demands that it reads all.
func compare(t *testing.T, data []byte, whole bool) []Header {
	t.Helper()
	want, theirs := peer(data)
	if whole && theirs != nil {
		t.Fatalf("archive/tar: %v", theirs)
	}
	var got []Header
	for _, chunk := range []int{1 << 20, 511, 1} {
		list, err := read(data, chunk)
		if theirs == nil && err != nil {
			t.Fatalf("in pieces of %d bytes: %v, archive/tar reads it", chunk, err)
		}
		if len(list) < len(want) || (theirs == nil && len(list) > len(want)) {
			t.Fatalf("in pieces of %d bytes: %d entries, archive/tar has %d", chunk, len(list), len(want))
		}
		for i := range want {
			same(t, &list[i], &want[i])
		}
		got = list
	}
	return got
}

func same(t *testing.T, h *Header, want *peerEntry) {
	t.Helper()
	eq(t, want.Name, "Name", h.Name, want.Name)
	eq(t, want.Name, "Linkname", h.Linkname, want.Linkname)
	eq(t, want.Name, "Type", h.Type, want.Typeflag)
	eq(t, want.Name, "Mode", h.Mode, want.Mode)
	eq(t, want.Name, "UID", int(h.UID), want.Uid)
	eq(t, want.Name, "GID", int(h.GID), want.Gid)
	eq(t, want.Name, "Uname", h.Uname, want.Uname)
	eq(t, want.Name, "Gname", h.Gname, want.Gname)
	eq(t, want.Name, "Devmajor", h.Devmajor, want.Devmajor)
	eq(t, want.Name, "Devminor", h.Devminor, want.Devminor)
	eq(t, want.Name, "ModTime", h.ModTime, want.ModTime.UTC())
	eq(t, want.Name, "AccessTime", h.AccessTime, utc(want.AccessTime))
	eq(t, want.Name, "ChangeTime", h.ChangeTime, utc(want.ChangeTime))
	length := want.Size
	if HeaderOnly(want.Typeflag, want.Name) {
		length = 0
	}
	eq(t, want.Name, "Length", h.Length(), length)
	if h.Sparse == nil || h.Sparse.Format != "1.0" { // archive/tar has read the map
		eq(t, want.Name, "Content", h.Content, want.content)
	}
	xattrs, pax := records(want.PAXRecords, h.Sparse != nil)
	if !maps.Equal(h.Xattrs, xattrs) || !maps.Equal(h.PAX, pax) {
		t.Fatalf("%q: xattrs %q, PAX %q, want %q, %q", want.Name, h.Xattrs, h.PAX, xattrs, pax)
	}
	if (len(h.Xattrs) == 0) != (h.Xattrs == nil) || (len(h.PAX) == 0) != (h.PAX == nil) {
		t.Fatalf("%q: empty maps", want.Name)
	}
}

func eq[T comparable](t *testing.T, entry, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("entry %q: %s is %v, archive/tar has %v", entry, what, got, want)
	}
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}

// records sorts what archive/tar gives in one map.
func records(all map[string]string, sparse bool) (xattrs, pax map[string]string) {
	xattrs, pax = map[string]string{}, map[string]string{}
	for key, value := range all {
		i := slices.Index(keys[:], key)
		switch name, ok := strings.CutPrefix(key, xattrPrefix); {
		case ok:
			xattrs[name] = value
		case value != "" && (i < 0 || (i >= sparseMajor && !sparse)):
			pax[key] = value
		}
	}
	return xattrs, pax
}

// fix makes the checksum of a block right.
func fix(block []byte) {
	sum := int64(8 * ' ')
	for i, c := range block[:BlockSize] {
		if i < sumStart || i >= sumEnd {
			sum += int64(c)
		}
	}
	for i := range 6 {
		block[sumStart+i] = byte('0' + sum>>(3*(5-i))&7)
	}
	block[sumStart+6], block[sumStart+7] = 0, ' '
}

// block makes a header of archive/tar's; change alters it before its sum is made.
func block(tb testing.TB, h tar.Header, change func(b []byte)) []byte {
	tb.Helper()
	var out bytes.Buffer
	if err := tar.NewWriter(&out).WriteHeader(&h); err != nil {
		tb.Fatal(err)
	}
	b := out.Bytes()
	if change != nil {
		last := b[len(b)-BlockSize:]
		change(last)
		fix(last)
	}
	return b
}
