package tarsplit

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
)

// given yields entries, and then an error if it is not nil.
func given(entries []*Entry, last error) iter.Seq2[*Entry, error] {
	return func(yield func(*Entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
		if last != nil {
			yield(nil, last)
		}
	}
}

func openMade(tb testing.TB, entries iter.Seq2[*Entry, error], files Opener, opts Options) *Reader {
	tb.Helper()
	r, err := Make(entries, files, opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = r.Close() })
	return r
}

// content is an entry of a file with that content.
func content(name, text string) *Entry {
	return &Entry{Name: name, Type: tar.TypeReg, Mode: 0o644, Size: int64(len(text)), File: name, Digest: digest.FromString(text)}
}

// all is one entry of each kind, with the files that they need.
func all() (entries []*Entry, files map[string]string) {
	when := time.Unix(1_700_000_000, 123_456_789).UTC()
	files = map[string]string{}
	add := func(e *Entry) { entries = append(entries, e) }
	for _, name := range []string{"f", "latin1-\xe9", strings.Repeat("long/", 60) + "f", "with space\nand line", "exact", "big", "sparse"} {
		text := "content of " + name
		switch name {
		case "exact":
			text = strings.Repeat("x", 1024)
		case "big":
			text = strings.Repeat("0123456789abcde", 100_000)
		}
		files[name] = text
		e := content(name, text)
		if e.ModTime = when; name == "sparse" {
			e.Sparse, e.Size = &Sparse{Format: "gnu", Size: e.Size, Map: [][2]int64{{0, 2}}}, 2
		}
		add(e)
	}
	add(&Entry{Name: "d/", Type: tar.TypeDir, Mode: 0o1777, ModTime: time.Unix(5, 0), UID: 1 << 30, GID: 4711, Uname: "us\xe9r", Gname: strings.Repeat("g", 40)})
	add(&Entry{Name: "d/empty", Type: tar.TypeReg, ModTime: time.Unix(-1, 5), Digest: digest.FromString("")})
	add(&Entry{Name: "d/soft", Linkname: strings.Repeat("../", 60), Type: tar.TypeSymlink, Mode: 0o777, Size: 5, Devmajor: 7})
	add(&Entry{Name: "d/hard", Linkname: "latin1-\xe9", Type: tar.TypeLink, Size: 9, File: "f"})
	add(&Entry{Name: "null", Type: tar.TypeChar, Devmajor: 1, Devminor: 3})
	add(&Entry{Name: "disk", Type: tar.TypeBlock, Devmajor: 259, Devminor: 1 << 20})
	add(&Entry{Name: "fifo", Type: tar.TypeFifo, Linkname: "nothing"})
	add(&Entry{Name: "attributes", Type: tar.TypeReg, Xattrs: map[string]string{"user.a": "\x00\xff\n=", "user.empty": "", "security.capability": "x"}, PAX: map[string]string{"comment": "c", "GNU.sparse.major": "9"}})
	add(&Entry{Name: "", Type: tar.TypeReg})
	return entries, files
}

func TestMake(t *testing.T) {
	t.Parallel()
	entries, texts := all()
	files := folder(t, texts)
	made, err := io.ReadAll(openMade(t, given(entries, nil), files, Options{}))
	check(t, err)
	// Digests of made tars are kept by whoever made them: they must not change.
	if got := digest.FromBytes(made); got != "sha256:298ab0025361ab447c4ea7c94e0c327627aa8ff163132c659db30f47098a6d90" {
		t.Error(got)
	}
	for _, opts := range []Options{{}, {CheckCRC: true}, {SizeKnown: true, Size: int64(len(made))}} {
		for name, opener := range map[string]Opener{"dir": files, "quick": quick{files}} {
			sources(t, fmt.Sprintf("%s, %+v", name, opts), string(made), func() *Reader { return openMade(t, given(entries, nil), opener, opts) })
		}
	}
	r := tar.NewReader(bytes.NewReader(made))
	for _, e := range entries {
		h, err := r.Next()
		check(t, err)
		sameMade(t, e, h)
		text, err := io.ReadAll(r)
		check(t, err)
		if want := texts[e.File]; e.Type == tar.TypeReg && string(text) != want {
			t.Errorf("%q: %d bytes, want %d", e.Name, len(text), len(want))
		}
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	none, err := io.ReadAll(openMade(t, given(nil, nil), nil, Options{}))
	if err != nil || !bytes.Equal(none, make([]byte, 1024)) {
		t.Error(len(none), err)
	}
}

// sameMade holds a header against the entry that it was made from.
func sameMade(t *testing.T, e *Entry, h *tar.Header) {
	t.Helper()
	want := *e
	if want.Type != tar.TypeReg {
		want.Size = 0
	} else if want.Sparse != nil {
		want.Size = want.Sparse.Size
	}
	if want.Type != tar.TypeLink && want.Type != tar.TypeSymlink {
		want.Linkname = ""
	}
	if want.Type != tar.TypeChar && want.Type != tar.TypeBlock {
		want.Devmajor, want.Devminor = 0, 0
	}
	if want.ModTime.IsZero() {
		want.ModTime = time.Unix(0, 0)
	}
	records := map[string]string{}
	for k, v := range h.PAXRecords {
		if name, ok := strings.CutPrefix(k, "SCHILY.xattr."); ok {
			records[name] = v
		}
	}
	if h.Name != want.Name || h.Typeflag != want.Type || h.Linkname != want.Linkname || h.Size != want.Size || h.Mode != want.Mode ||
		int64(h.Uid) != want.UID || int64(h.Gid) != want.GID || h.Uname != want.Uname || h.Gname != want.Gname || !h.ModTime.Equal(want.ModTime) ||
		h.Devmajor != want.Devmajor || h.Devminor != want.Devminor || !maps.Equal(records, want.Xattrs) || h.PAXRecords["comment"] != want.PAX["comment"] ||
		!h.AccessTime.IsZero() || !h.ChangeTime.IsZero() {
		t.Errorf("%+v was made from %+v", h, e)
	}
}

func TestBadMake(t *testing.T) {
	t.Parallel()
	files := folder(t, map[string]string{"f": "content", "short": "short"})
	broken := errors.New("broken")
	good := content("f", "content")
	with := func(change func(e *Entry)) []*Entry {
		e := *good
		change(&e)
		return []*Entry{good, &e}
	}
	for name, test := range map[string]struct {
		entries []*Entry
		last    error
		opts    Options
		want    error
		entry   string // of the EntryError
	}{
		"their error":         {entries: []*Entry{good}, last: broken, want: broken},
		"their end":           {entries: []*Entry{good}, last: io.EOF, want: io.ErrUnexpectedEOF},
		"NUL in a name":       {entries: with(func(e *Entry) { e.Name = "a\x00b" }), entry: "a\x00b"},
		"NUL in an owner":     {entries: with(func(e *Entry) { e.Uname = "a\x00b" }), entry: "f"},
		"attribute with =":    {entries: with(func(e *Entry) { e.Xattrs = map[string]string{"user.a=b": ""} }), entry: "f"},
		"attribute of 1 MiB":  {entries: with(func(e *Entry) { e.Xattrs = map[string]string{"user.a": strings.Repeat("x", 1<<20)} }), want: ErrLimit, entry: "f"},
		"negative owner":      {entries: with(func(e *Entry) { e.GID = -1 }), entry: "f"},
		"mode too large":      {entries: with(func(e *Entry) { e.Mode = 1 << 30 }), entry: "f"},
		"device too large":    {entries: with(func(e *Entry) { e.Type, e.Devminor = tar.TypeChar, 1<<40 }), entry: "f"},
		"a file with a slash": {entries: with(func(e *Entry) { e.Name = "f/" }), entry: "f/"},
		"a socket":            {entries: with(func(e *Entry) { e.Type = 's' }), entry: "f"},
		"a redirect":          {entries: with(func(e *Entry) { *e = Entry{Name: "d/", Type: tar.TypeDir, Redirect: "/x"} }), want: errors.ErrUnsupported, entry: "d/"},
		"no type":             {entries: with(func(e *Entry) { e.Type = 0 }), entry: "f"},
		"sparse type":         {entries: with(func(e *Entry) { e.Type = tar.TypeGNUSparse }), entry: "f"},
		"negative size":       {entries: with(func(e *Entry) { e.Size = -1 }), entry: "f"},
		"sizes overflow":      {entries: with(func(e *Entry) { e.Size = 1<<63 - 1 }), want: ErrSize},
		"no file":             {entries: with(func(e *Entry) { e.File = "" }), entry: "f"},
		"missing":             {entries: with(func(e *Entry) { e.File = "gone" }), want: ErrMissing, entry: "gone"},
		"another size":        {entries: with(func(e *Entry) { e.File = "short" }), want: ErrSize, entry: "short"},
		"another content":     {entries: with(func(e *Entry) { e.Digest = digest.FromString("CONTENT") }), opts: Options{CheckCRC: true}, want: ErrDigest, entry: "f"},
		"no digest":           {entries: with(func(e *Entry) { e.Digest = "sha256:00" }), opts: Options{CheckCRC: true}, want: digest.ErrDigestInvalidLength, entry: "f"},
		"too long":            {entries: []*Entry{good}, opts: Options{SizeKnown: true, Size: 2047}, want: ErrSize},
		"too short":           {entries: []*Entry{good}, opts: Options{SizeKnown: true, Size: 2049}, want: ErrSize},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyWayOf(func() *Reader { return openMade(t, given(test.entries, test.last), files, test.opts) }, func(way, _ string, err error) {
				if errors.Is(test.want, ErrDigest) && strings.Contains(way, "Next") {
					return // checks none
				}
				entry := (*EntryError)(nil)
				is := errors.As(err, &entry)
				if err == nil || test.want != nil && !errors.Is(err, test.want) || test.entry != "" && (!is || entry.Name != test.entry) || errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s: %v, want %v", way, err, test.want)
				}
			})
		})
	}
	if _, err := Make(given(nil, nil), files, Options{SizeKnown: true, Size: -1}); err == nil {
		t.Error("a negative size")
	}
}

// TestMakeStops: the entries end with the tar, with any error, and with Close.
func TestMakeStops(t *testing.T) {
	t.Parallel()
	entries, texts := all()
	files := folder(t, texts)
	for name, use := range map[string]func(r *Reader){
		"never begun":  func(*Reader) {},
		"read a bit":   func(r *Reader) { _, _ = r.Read(make([]byte, 700)) },
		"read":         func(r *Reader) { _, _ = io.ReadAll(r) },
		"copied":       func(r *Reader) { _, _ = r.WriteTo(io.Discard) },
		"not copied":   func(r *Reader) { _, _ = r.WriteTo(refusing{errors.New("full")}) },
		"a file fails": func(r *Reader) { r.files = failing{errors.New("broken")}; _, _ = r.WriteTo(io.Discard) },
	} {
		begun, ended := false, false
		r := openMade(t, func(yield func(*Entry, error) bool) {
			begun = true
			defer func() { ended = true }()
			given(entries, nil)(yield)
		}, files, Options{})
		use(r)
		if name == "read a bit" {
			check(t, r.Close())
		}
		if begun != ended {
			t.Errorf("%s: the entries wait", name)
		}
		check(t, r.Close())
		if _, err := r.Next(); err == nil {
			t.Errorf("%s: goes on", name)
		}
	}
}

// TestMakeDigests: of small files and large ones, first and last, changed on disk.
func TestMakeDigests(t *testing.T) {
	t.Parallel()
	var entries []*Entry
	texts := map[string]string{}
	for i, size := range []int{1, 3000, smallPiece + 1, 3*batchSize + 5, 7, kernelPiece, 2 * batchSize} {
		name := fmt.Sprint(i)
		texts[name] = strings.Repeat(name, size)
		entries = append(entries, content(name, texts[name]))
	}
	unknown := *content("other", "other")
	unknown.Digest = digest.Digest("sha512:" + strings.Repeat("0", 128))
	bare := *content("bare", "bare")
	bare.Digest = ""
	texts["other"], texts["bare"] = "other", "bare"
	entries = append(entries, &unknown, &bare)
	files := folder(t, texts)
	r := openMade(t, given(entries, nil), files, Options{CheckCRC: true})
	if _, err := r.WriteTo(io.Discard); err != nil || r.Unchecked() != 2 {
		t.Errorf("%v, %d unchecked", err, r.Unchecked())
	}
	for _, e := range entries[:len(entries)-2] {
		path := filepath.Join(string(files), e.Name)
		check(t, flip(path))
		for name, opener := range map[string]Opener{"dir": files, "quick": quick{files}} {
			everyWayOf(func() *Reader { return openMade(t, given(entries, nil), opener, Options{CheckCRC: true}) }, func(way, _ string, err error) {
				bad := (*EntryError)(nil)
				if !strings.Contains(way, "Next") && (!errors.Is(err, ErrDigest) || !errors.As(err, &bad) || bad.Name != e.Name) {
					t.Errorf("%q, %s, %s: %v", e.Name, name, way, err)
				}
			})
		}
		check(t, flip(path))
	}
}
