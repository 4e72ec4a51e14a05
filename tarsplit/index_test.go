package tarsplit

import (
	"archive/tar"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
)

// many is the recipe of a tar with n small files, whose headers and names differ as
// those of real layers do.
func many(tb testing.TB, n int, format tar.Format) (recipe []byte, names int) {
	tb.Helper()
	var b, out bytes.Buffer
	gz, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		tb.Fatal(err)
	}
	pad := int64(0)
	for i := range n {
		mixed := uint64(i) * 0x9e3779b97f4a7c15
		h := tar.Header{
			Name:     fmt.Sprintf("usr/lib/python3.13/site-packages/pkg%04d/mod_%x.py", i/25, mixed>>40),
			Typeflag: tar.TypeReg, Mode: 0o644, Format: format,
			Size:    int64(1 + mixed>>45),
			ModTime: time.Unix(1_700_000_000+int64(mixed>>50), 0),
		}
		if format == tar.FormatPAX {
			h.ModTime = time.Unix(h.ModTime.Unix(), int64(mixed>>35)%1e9)
			h.AccessTime, h.ChangeTime = h.ModTime.Add(time.Duration(mixed>>30)), h.ModTime.Add(time.Duration(mixed>>31))
		}
		b.Reset()
		b.Write(make([]byte, pad))
		if err := tar.NewWriter(&b).WriteHeader(&h); err != nil {
			tb.Fatal(err)
		}
		pad = -h.Size & (blockSize - 1)
		fmt.Fprintf(gz, `{"type":2,"payload":"%s"}`+"\n", base64.StdEncoding.EncodeToString(b.Bytes()))
		fmt.Fprintf(gz, `{"type":1,"name":%q,"size":%d,"payload":"AAAAAAAAAAA="}`+"\n", h.Name, h.Size)
		names += len(h.Name)
	}
	if err := gz.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes(), names
}

func buildIndex(tb testing.TB, recipe []byte, limit int64) (*index, error) {
	tb.Helper()
	walk, err := newWalker(bytes.NewReader(recipe), Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return newIndex(walk, limit)
}

// bytes adds up what the index holds.
func (x *index) bytes() int64 {
	n := fileAtLen*int64(cap(x.files)) + int64(cap(x.names)) + 24*int64(cap(x.blocks))
	for _, b := range x.blocks {
		n += int64(cap(b))
	}
	return n
}

// TestIndexMemory: less than 200 bytes an entry, beside its name.
func TestIndexMemory(t *testing.T) {
	const entries = 10_000
	for name, format := range map[string]tar.Format{"GNU": tar.FormatGNU, "PAX": tar.FormatPAX} {
		recipe, names := many(t, entries, format)
		heap := func() int64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.GC() // what pools held
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc)
		}
		before := heap()
		x, err := buildIndex(t, recipe, math.MaxInt64)
		check(t, err)
		held := heap() - before
		t.Logf("%s: %d bytes an entry, of them %d for the name", name, held/entries, names/entries)
		if limit := int64(200*entries + names); held > limit || x.bytes() > limit || x.len() != entries {
			t.Errorf("%s: %d bytes are held, %d by sum, for %d entries", name, held, x.bytes(), x.len())
		}
		runtime.KeepAlive(recipe)
	}
}

func TestIndexLimit(t *testing.T) {
	t.Parallel()
	for name, recipe := range map[string][]byte{
		"names":  zip(t, strings.Split(strings.Repeat(file(strings.Repeat("n", 1000), "x")+"\n", 100)+segment("x"), "\n")...),
		"files":  zip(t, strings.Split(strings.Repeat(file("n", "x")+"\n", 4000)+segment("x"), "\n")...),
		"inline": func() []byte { r, _ := many(t, 1200, tar.FormatPAX); return r }(),
	} {
		x, err := buildIndex(t, recipe, math.MaxInt64)
		check(t, err)
		need := x.bytes()
		if need < 80_000 {
			t.Fatalf("%s: %d bytes prove nothing", name, need)
		}
		var bad *FormatError
		if _, err := buildIndex(t, recipe, need*9/10); !errors.Is(err, ErrLimit) || !errors.As(err, &bad) {
			t.Errorf("%s: below %d bytes: %v", name, need, err)
		}
		if _, err := buildIndex(t, recipe, need); err != nil {
			t.Errorf("%s: with %d bytes: %v", name, need, err)
		}
	}
}

// TestBadIndex: a recipe that Reader stops at is none to NewReaderAt.
func TestBadIndex(t *testing.T) {
	t.Parallel()
	_, recipe, files := sample(t)
	huge := `{"type":1,"name":"f","size":9223372036854775807}`
	for name, test := range map[string]struct {
		recipe []byte
		opts   Options
		want   error
	}{
		"not gzip":       {recipe: []byte("hello")},
		"truncated":      {recipe: recipe[:len(recipe)/2], want: io.ErrUnexpectedEOF},
		"not JSON":       {recipe: zip(t, segment("a"), "hello")},
		"sizes overflow": {recipe: zip(t, huge, segment("a")), want: ErrSize},
		"more than size": {recipe: zip(t, segment("abc")), opts: Options{Size: 2, SizeKnown: true}, want: ErrSize},
		"less than size": {recipe: zip(t, segment("abc")), opts: Options{Size: 4, SizeKnown: true}, want: ErrSize},
	} {
		_, err := NewReaderAt(bytes.NewReader(test.recipe), files, test.opts)
		var bad *FormatError
		if !errors.As(err, &bad) || (test.want != nil && !errors.Is(err, test.want)) {
			t.Errorf("%s: error %v, want %v", name, err, test.want)
		}
	}
	// The largest size is good for an index, if not for a file.
	r := openAt(t, zip(t, huge), folder(t, map[string]string{"f": "x"}), Options{})
	for _, off := range []int64{0, 1 << 40, math.MaxInt64 - 1} {
		if n, err := r.ReadAt(make([]byte, 10), off); n != 0 || !errors.Is(err, ErrSize) {
			t.Errorf("at %d: %d bytes, %v", off, n, err)
		}
	}
	if n, err := r.ReadAt(make([]byte, 10), math.MaxInt64); n != 0 || err != io.EOF { //nolint:errorlint // exactly io.EOF is the contract
		t.Errorf("at the end: %d bytes, %v", n, err)
	}
}
