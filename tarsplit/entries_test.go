package tarsplit

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cstor-go/cstor/internal/tarhead"
)

// disassemble takes a tar apart as writers of recipes do, with archive/tar, which
// reads no further than it must.
func disassemble(tb testing.TB, data []byte) []string {
	tb.Helper()
	var lines []string
	in := bytes.NewReader(data)
	r := tar.NewReader(struct{ io.Reader }{in}) // hides Seek
	from := 0
	for {
		h, err := r.Next()
		to := len(data) - in.Len()
		lines = append(lines, segment(string(data[from:to])))
		if errors.Is(err, io.EOF) {
			return append(lines, segment(string(data[to:])))
		}
		if err != nil {
			tb.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			tb.Fatal(err)
		}
		from = len(data) - in.Len()
		line := file(h.Name, string(content))
		if len(content) == 0 && h.Size > 0 {
			line = fmt.Sprintf(`{"type":1,"name":%q,"size":%d,"payload":"AAAAAAAAAAA=","position":1}`, h.Name, h.Size)
		}
		lines = append(lines, line)
	}
}

func list(recipe []byte, opts Options) (all []*Entry, err error) {
	for e, err := range Entries(bytes.NewReader(recipe), opts) {
		if err != nil {
			return all, err
		}
		all = append(all, e)
	}
	return all, nil
}

// headers reads a whole tar, its content included.
func headers(tb testing.TB, data []byte) (all []*Entry) {
	tb.Helper()
	var r tarhead.Reader
	for rest := data; rest != nil; {
		var h *tarhead.Header
		var err error
		if rest, h, err = r.Next(rest); err != nil {
			tb.Fatal(err)
		}
		if h != nil {
			all = append(all, newEntry(h))
		}
	}
	return all
}

// pieces returns a header of one of archive/tar's formats, content of n bytes, and
// its padding.
func pieces(tb testing.TB, h tar.Header, n int) (header, content, padding string) {
	tb.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	h.Size = int64(n)
	if err := w.WriteHeader(&h); err != nil {
		tb.Fatal(err)
	}
	header = out.String()
	content = strings.Repeat("c", n)
	return header, content, strings.Repeat("\x00", -n&511)
}

func TestEntriesAreTheTars(t *testing.T) {
	t.Parallel()
	data, recipe, _ := sample(t)
	var globals bytes.Buffer
	w := tar.NewWriter(&globals)
	for _, h := range []tar.Header{
		{Typeflag: tar.TypeXGlobalHeader, Name: "globals", PAXRecords: map[string]string{"mtime": "1", "size": "9", "comment": "c"}},
		{Typeflag: tar.TypeReg, Name: "f", Size: 3, Format: tar.FormatPAX, ModTime: time.Unix(7, 5e8), PAXRecords: map[string]string{"SCHILY.xattr.user.a": "\xff", "VENDOR.b": "c"}},
		{Typeflag: tar.TypeDir, Name: "d/"},
	} {
		if err := errors.Join(w.WriteHeader(&h), func() error { _, err := w.Write(make([]byte, h.Size)); return err }()); err != nil {
			t.Fatal(err)
		}
	}
	stated, content, padding := pieces(t, tar.Header{Name: "x", Typeflag: tar.TypeReg}, 700)
	var all []byte
	for _, flag := range []byte{'1', '2', '3', '4', '5', '6', 0} {
		b := []byte(stated)
		b[156] = flag
		copy(b, string('a'+flag%32)+"/")
		all = append(all, refit(b)...)
	}
	all = append(all, stated+content+padding...)
	for name, test := range map[string]struct{ data, recipe []byte }{
		"archive/tar":           {data, recipe},
		"disassembled":          {data: data},
		"global header":         {data: slices.Concat(globals.Bytes(), make([]byte, 1024))},
		"no end":                {data: globals.Bytes()},
		"no padding at the end": {data: []byte(stated + content)},
		"garbage":               {data: slices.Concat(data, []byte("garbage"), data)},
		"sizes without content": {data: all},
		"nothing":               {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			recipe := test.recipe
			if recipe == nil {
				recipe = zip(t, disassemble(t, test.data)...)
			}
			got, err := list(recipe, Options{Size: int64(len(test.data)), SizeKnown: true})
			if err != nil {
				t.Fatal(err)
			}
			want := headers(t, test.data)
			for _, e := range want {
				if e.Size > 0 {
					e.File = e.Name
				}
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%d entries, want %d", len(got), len(want))
				for i := range min(len(got), len(want)) {
					t.Logf("got  %+v\nwant %+v", got[i], want[i])
				}
			}
		})
	}
}

// refit makes the checksum of a header right.
func refit(b []byte) []byte {
	copy(b[148:], "        ")
	sum := 0
	for _, c := range b[:512] {
		sum += int(c)
	}
	copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
	return b
}

// TestSparseEntries: what recipes make of files with holes.
func TestSparseEntries(t *testing.T) {
	t.Parallel()
	file3, _, pad := pieces(t, tar.Header{Name: "stored", Typeflag: tar.TypeReg}, 3)
	next, _, _ := pieces(t, tar.Header{Name: "next", Typeflag: tar.TypeReg}, 0)
	x := func(records string) string {
		h, _, _ := pieces(t, tar.Header{Name: "ext", Typeflag: tar.TypeReg}, len(records))
		b := []byte(h)
		b[156] = 'x'
		return string(refit(b)) + records + strings.Repeat("\x00", -len(records)&511)
	}
	ten := file("real", "0123456789")
	for name, test := range map[string]struct {
		headers string
		line    string
		padding string
		want    Entry
	}{
		"0.1": {
			x("22 GNU.sparse.size=10\n26 GNU.sparse.numblocks=1\n22 GNU.sparse.map=7,3\n24 GNU.sparse.name=real\n") + file3, ten, pad,
			Entry{Size: 3, File: "real", Sparse: &Sparse{"0.1", 10, [][2]int64{{7, 3}}}, Content: 1536},
		},
		"0.1 without length": {
			x("21 GNU.sparse.size=0\n26 GNU.sparse.numblocks=1\n22 GNU.sparse.map=0,0\n24 GNU.sparse.name=real\n") + file3, file("real", ""), "abc" + pad,
			Entry{Size: 3, Sparse: &Sparse{"0.1", 0, [][2]int64{{0, 0}}}, Content: 1536},
		},
		"1.0": { // the map of one block and the data were read as content
			x("12 size=515\n22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n26 GNU.sparse.realsize=10\n24 GNU.sparse.name=real\n") + file3, ten, pad,
			Entry{Size: 515, File: "real", Sparse: &Sparse{"1.0", 10, nil}, Content: 1536},
		},
		"1.0 without length": {
			x("12 size=512\n22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n25 GNU.sparse.realsize=0\n24 GNU.sparse.name=real\n") + file3, file("real", ""), "",
			Entry{Size: 512, Sparse: &Sparse{"1.0", 0, nil}, Content: 1536},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			size := int64(1536+512) + (test.want.Size+511)&^511
			recipe := zip(t, segment(test.headers), test.line, segment(test.padding+next))
			got, err := list(recipe, Options{Size: size, SizeKnown: true})
			if err != nil || len(got) != 2 {
				t.Fatal(len(got), err)
			}
			e := got[0]
			if e.Name != "real" || e.Size != test.want.Size || e.File != test.want.File || e.Content != test.want.Content || !reflect.DeepEqual(e.Sparse, test.want.Sparse) {
				t.Errorf("%+v %+v", e, e.Sparse)
			}
			if at := got[1].Header; at != size-512 || got[1].Name != "next" {
				t.Errorf("%q at %d, want %d", got[1].Name, at, size-512)
			}
		})
	}
}

func TestBadEntries(t *testing.T) {
	t.Parallel()
	h, content, padding := pieces(t, tar.Header{Name: "f", Typeflag: tar.TypeReg}, 3)
	f := file("f", content)
	zeros := strings.Repeat("\x00", 512)
	long, _, _ := pieces(t, tar.Header{Name: "x", Typeflag: tar.TypeReg}, 2<<20)
	long = string(refit(append([]byte(long)[:156], append([]byte("x"), long[157:]...)...)))
	for name, test := range map[string]struct {
		lines  []string
		opts   Options
		recipe bool  // a FormatError is wanted
		offset int64 // of the HeaderError otherwise
		want   error
		before int // entries
	}{
		"content first":          {lines: []string{f}, recipe: true},
		"content twice":          {lines: []string{segment(h), f, f}, recipe: true, before: 1},
		"content after the end":  {lines: []string{segment(zeros + zeros), f}, recipe: true},
		"content of an old name": {lines: []string{segment(h), file("g", content)}, before: 1, recipe: false, offset: -1},
		"no content":             {lines: []string{segment(h), segment(padding)}, recipe: true},
		"no content, and end":    {lines: []string{segment(h)}, recipe: true},
		"bytes before content":   {lines: []string{segment(h + "x"), f}, recipe: true},
		"inline content":         {lines: []string{segment(h + content + padding)}, recipe: true},
		"short content":          {lines: []string{segment(h), file("f", "cc")}, recipe: true, want: ErrSize},
		"long content":           {lines: []string{segment(h), file("f", "cccc")}, recipe: true, want: ErrSize},
		"bad line for content":   {lines: []string{segment(h), "{"}, recipe: true},
		"bad line":               {lines: []string{segment(h), f, "{"}, recipe: true, before: 1},
		"shorter than promised":  {lines: []string{segment(h), f}, opts: Options{SizeKnown: true, Size: 1024}, recipe: true, want: ErrSize, before: 1},
		"longer than promised":   {lines: []string{segment(h), f}, opts: Options{SizeKnown: true, Size: 514}, recipe: true, want: ErrSize},
		"longer after the end":   {lines: []string{segment(zeros + zeros), segment("x")}, opts: Options{SizeKnown: true, Size: 1024}, recipe: true, want: ErrSize},
		"no header":              {lines: []string{segment(h), f, segment(padding + strings.Repeat("x", 512))}, offset: 1024, before: 1},
		"broken header":          {lines: []string{segment("y" + h[1:]), f}},
		"half a header":          {lines: []string{segment(h[:100])}, offset: 100, want: io.ErrUnexpectedEOF},
		"zeros between":          {lines: []string{segment(zeros + h), f}, offset: 512},
		"long extension":         {lines: []string{segment(long)}, want: ErrLimit},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all, err := list(zip(t, test.lines...), test.opts)
			var bad *FormatError
			var head *HeaderError
			switch isBad, isHead := errors.As(err, &bad), errors.As(err, &head); {
			case len(all) != test.before:
				t.Errorf("%d entries before %v", len(all), err)
			case test.offset < 0:
				if err != nil {
					t.Error(err)
				}
			case isBad != test.recipe || isHead == test.recipe || (test.want != nil && !errors.Is(err, test.want)):
				t.Errorf("%v, want %v", err, test.want)
			case isHead && head.Offset != test.offset:
				t.Errorf("%v: at %d, want %d", err, head.Offset, test.offset)
			}
		})
	}
	if _, err := list(nil, Options{}); !errors.As(err, new(*FormatError)) {
		t.Errorf("not gzip: %v", err)
	}
	if _, err := list(zip(t, segment(h), f), Options{SizeKnown: true, Size: 1023}); err != nil {
		t.Errorf("a padding that breaks off, which recipes lack: %v", err)
	}
	e, err := list(zip(t, segment(h), file("\ufffd", content)), Options{})
	if err != nil || e[0].Name != "f" || e[0].File != "\ufffd" {
		t.Error(e, err)
	}
}

// TestEntryHasAll: no field of a header is forgotten.
func TestEntryHasAll(t *testing.T) {
	t.Parallel()
	now, some := time.Unix(1, 0), map[string]string{"a": "b"}
	e := newEntry(&tarhead.Header{
		Name: "n", Linkname: "l", Type: '0', Mode: 1, UID: 2, GID: 3, Uname: "u", Gname: "g", Size: 4, ModTime: now, AccessTime: now, ChangeTime: now,
		Devmajor: 5, Devminor: 6, Xattrs: some, PAX: some, Sparse: &tarhead.Sparse{}, Offset: 7, Content: 8,
	})
	e.File, e.Digest, e.Redirect = "n", "d", "r" // not from headers
	for field, v := range reflect.ValueOf(*e).Fields() {
		if v.IsZero() {
			t.Errorf("%s is not set", field.Name)
		}
	}
}

func TestEntriesStop(t *testing.T) {
	t.Parallel()
	_, recipe, _ := sample(t)
	n := 0
	for range Entries(bytes.NewReader(recipe[:len(recipe)-1]), Options{}) {
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Error(n)
	}
}

// TestEntriesMemory: what a recipe announces takes no memory, and what it says takes
// a small multiple of its length.
func TestEntriesMemory(t *testing.T) {
	h, _, _ := pieces(t, tar.Header{Name: "x", Typeflag: tar.TypeReg}, 1<<20)
	x := string(refit(append([]byte(h)[:156], append([]byte("x"), h[157:]...)...)))
	recipe := bomb(t, "", segment(x+strings.Repeat("6 a=b\n", 100))+"\n", 32<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := list(recipe, Options{}); err == nil {
		t.Error("no error")
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 32<<20 {
		t.Errorf("%d MiB were allocated", got>>20)
	}
}
