package tarsplit

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
)

func drain(recipe []byte, opts Options) (extents int, err error) {
	w, err := newWalker(bytes.NewReader(recipe), opts)
	for err == nil {
		if _, err = w.next(); err == nil {
			extents++
		}
	}
	return extents, err
}

func TestBadRecipes(t *testing.T) {
	t.Parallel()
	const tail = `"position":0}`
	for name, test := range map[string]struct {
		recipe []byte
		opts   Options
		want   error // nil: any *FormatError
	}{
		"empty file":       {recipe: nil, want: io.ErrUnexpectedEOF},
		"not gzip":         {recipe: []byte("hello, this is text")},
		"not JSON":         {recipe: zip(t, "hello")},
		"half a line":      {recipe: zip(t, `{"type":2,"payl`)},
		"an array":         {recipe: zip(t, `[1]`)},
		"two on one line":  {recipe: zip(t, segment("a")+segment("b"))},
		"unknown type":     {recipe: zip(t, `{"type":3,`+tail)},
		"no type":          {recipe: zip(t, `{`+tail)},
		"bad base64":       {recipe: zip(t, `{"type":2,"payload":"****",`+tail)},
		"bad name_raw":     {recipe: zip(t, `{"type":1,"name_raw":"*","size":1,`+tail)},
		"negative size":    {recipe: zip(t, `{"type":1,"name":"f","size":-1,`+tail)},
		"size of 2^63":     {recipe: zip(t, `{"type":1,"name":"f","size":9223372036854775808,`+tail)},
		"sizes overflow":   {recipe: zip(t, `{"type":1,"name":"f","size":9223372036854775807,`+tail, segment("a")), want: ErrSize},
		"fraction":         {recipe: zip(t, `{"type":1,"name":"f","size":1.5,`+tail)},
		"short CRC":        {recipe: zip(t, `{"type":1,"name":"f","size":1,"payload":"AAAA",`+tail)},
		"sized segment":    {recipe: zip(t, `{"type":2,"size":3,"payload":"AAAA",`+tail)},
		"more than size":   {recipe: zip(t, segment("abc")), opts: Options{Size: 2, SizeKnown: true}, want: ErrSize},
		"less than size":   {recipe: zip(t, segment("abc")), opts: Options{Size: 4, SizeKnown: true}, want: ErrSize},
		"not empty":        {recipe: zip(t, segment("abc")), opts: Options{SizeKnown: true}, want: ErrSize},
		"long segment":     {recipe: zip(t, segment(strings.Repeat("a", 2000))), opts: Options{MaxSegment: 1000}, want: ErrLimit},
		"line without end": {recipe: bomb(t, `{"type":2,"payload":"`, "A", 64<<20), want: ErrLimit},
		"bomb of nothing":  {recipe: bomb(t, "", `{"type":2,"payload":"","position":0}`+"\n", 80<<20), want: ErrLimit},
		"bomb of names":    {recipe: bomb(t, "", `{"type":1,"name":"`+strings.Repeat("x", 4000)+`","payload":null,"position":1}`+"\n", 80<<20), want: ErrLimit},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := drain(test.recipe, test.opts)
			var bad *FormatError
			if !errors.As(err, &bad) || (test.want != nil && !errors.Is(err, test.want)) {
				t.Errorf("error %v, want %v", err, test.want)
			}
		})
	}
}

// bomb compresses a start and then n bytes of a repeated text.
func bomb(tb testing.TB, start, text string, n int) []byte {
	tb.Helper()
	var b bytes.Buffer
	gz, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		tb.Fatal(err)
	}
	chunk := strings.Repeat(text, max(1, 1<<20/len(text)))
	_, err = io.WriteString(gz, start)
	for done := 0; err == nil && done < n; done += len(chunk) {
		_, err = io.WriteString(gz, chunk)
	}
	if err = errors.Join(err, gz.Close()); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// TestTruncated: a recipe that ends early anywhere is an error, never a short tar.
func TestTruncated(t *testing.T) {
	t.Parallel()
	_, recipe, _ := sample(t)
	for n := range recipe {
		if _, err := drain(recipe[:n], Options{}); errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			var bad *FormatError
			if !errors.As(err, &bad) {
				t.Fatalf("cut at byte %d of %d: ended well", n, len(recipe))
			}
		}
	}
	if _, err := drain(recipe, Options{}); err != io.EOF { //nolint:errorlint // exactly io.EOF is the contract
		t.Error(err)
	}
}

// TestHeaderOnly: entries that have no content in the tar whatever size they state.
func TestHeaderOnly(t *testing.T) {
	t.Parallel()
	header := func(name string, flag byte) string {
		var b bytes.Buffer
		if err := tar.NewWriter(&b).WriteHeader(&tar.Header{Name: "x", Typeflag: tar.TypeReg, Size: 3}); err != nil {
			t.Fatal(err)
		}
		h := b.Bytes()
		copy(h, name)
		h[156] = flag
		copy(h[148:156], "        ")
		sum := 0
		for _, c := range h {
			sum += int(c)
		}
		copy(h[148:156], fmt.Sprintf("%06o\x00 ", sum))
		return string(h)
	}
	for _, test := range []struct {
		name string
		flag byte
		want int // extents
	}{
		{"link", '1', 1},
		{"link", '2', 1},
		{"dev", '3', 1},
		{"dev", '4', 1},
		{"dir/", '5', 1},
		{"fifo", '6', 1},
		{"old/", 0, 1},
		{"old", 0, 2},
		{"file", '0', 2},
		{"file/", '0', 2},
		{"other", '7', 2},
	} {
		for what, lines := range map[string][]string{
			"whole": {segment(header(test.name, test.flag)), file(test.name, "abc")},
			"split": {segment(header(test.name, test.flag)[:100]), segment(header(test.name, test.flag)[100:]), file(test.name, "abc")},
		} {
			want := test.want
			if what == "split" {
				want++
			}
			if n, err := drain(zip(t, lines...), Options{}); n != want || !errors.Is(err, io.EOF) {
				t.Errorf("%s %q, %s: %d extents, want %d, %v", test.name, test.flag, what, n, want, err)
			}
			last := &lines[len(lines)-1]
			*last = strings.Replace(*last, `"size":3`, `"size":-3`, 1)
			_, err := drain(zip(t, lines...), Options{})
			if bad := (*FormatError)(nil); errors.As(err, &bad) != (test.want == 2) {
				t.Errorf("%s %q, %s, negative: %v", test.name, test.flag, what, err)
			}
		}
	}
	// A block that is no header says nothing.
	text := strings.Repeat("5", 512)
	if n, err := drain(zip(t, segment(text), file("f", "abc")), Options{}); n != 2 || !errors.Is(err, io.EOF) {
		t.Errorf("no header: %d extents, %v", n, err)
	}
	// Nor does the header before the last content.
	h := header("f", '0')
	if n, err := drain(zip(t, segment(h), file("f", "abc"), file("g/", "abc")), Options{}); n != 3 || !errors.Is(err, io.EOF) {
		t.Errorf("stale header: %d extents, %v", n, err)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	recipe := bomb(t, `{"type":2,"payload":"`, "A", 256<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := drain(recipe, Options{}); !errors.Is(err, ErrLimit) {
		t.Error(err)
	}
	runtime.ReadMemStats(&after)
	// The line's buffer grows to 44 MiB by doubling and a copy.
	if got := after.TotalAlloc - before.TotalAlloc; got > 256<<20 {
		t.Errorf("%d MiB were allocated", got>>20)
	}
}

func TestLineOfFormatError(t *testing.T) {
	t.Parallel()
	_, err := drain(zip(t, segment("a"), segment("b"), "x"), Options{})
	var bad *FormatError
	if !errors.As(err, &bad) || bad.Line != 2 {
		t.Error(err)
	}
}

func BenchmarkWalk(b *testing.B) {
	for _, files := range []int{1000, 30_000} {
		b.Run(fmt.Sprintf("files=%d", files), func(b *testing.B) {
			lines := make([]string, 0, 2*files)
			header := strings.Repeat("h\x00", 256+100)
			for i := range files {
				lines = append(lines, segment(header), file(fmt.Sprintf("usr/share/some/folder/file%06d.txt", i), "content"))
			}
			recipe := zip(b, lines...)
			b.ReportAllocs()
			for b.Loop() {
				if n, err := drain(recipe, Options{}); n != 2*files || !errors.Is(err, io.EOF) {
					b.Fatal(n, err)
				}
			}
			b.ReportMetric(float64(files)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}
