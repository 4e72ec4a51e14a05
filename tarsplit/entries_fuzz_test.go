package tarsplit

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
)

// FuzzEntries: whatever a recipe says, entries follow each other in the tar, no more
// than it has room for, and are the same again.
func FuzzEntries(f *testing.F) {
	data, _, _ := sample(f)
	f.Add(strings.Join(disassemble(f, data), "\n"), int64(-1))
	h, content, _ := pieces(f, tar.Header{Name: "f", Typeflag: tar.TypeReg}, 3)
	holes := holey{"0.1", 50, [][2]int64{{0, 3}, {7, 0}, {40, 2}}}
	sparse := []string{segment(holes.header(f, "f")), file("f", holes.content()), segment(strings.Repeat("\x00", 507) + h), file("f", content)}
	for _, lines := range [][]string{
		{segment(h), file("f", content)},
		{segment(h[:100]), segment(h[100:]), file("f", content)},
		{segment(h)},
		{segment(h + content)},
		{file("f", content)},
		{segment(strings.Repeat("\x00", 1024)), file("f", "x")},
		disassemble(f, []byte(h+content)),
		sparse,
		{},
	} {
		f.Add(strings.Join(lines, "\n"), int64(515))
	}
	f.Fuzz(func(t *testing.T, text string, size int64) {
		var b bytes.Buffer
		gz, _ := gzip.NewWriterLevel(&b, gzip.NoCompression)
		_, err := io.WriteString(gz, text)
		if err = errors.Join(err, gz.Close()); err != nil {
			t.Fatal(err)
		}
		opts := Options{Size: size, SizeKnown: size >= 0}
		all, err := list(b.Bytes(), opts)
		var at int64
		for _, e := range all {
			if e.Header < at || e.Content < e.Header+512 || e.Size < 0 || (opts.SizeKnown && e.Content > size) || (e.File != "" && e.Size == 0 && e.Sparse == nil) {
				t.Fatalf("%+v after %d", e, at)
			}
			at = e.Content + e.Size
		}
		if len(all) > len(text)/512 {
			t.Fatalf("%d entries in %d bytes", len(all), len(text))
		}
		if again, errAgain := list(b.Bytes(), opts); !reflect.DeepEqual(all, again) || (err == nil) != (errAgain == nil) {
			t.Fatalf("%d entries, %v; again: %d, %v", len(all), err, len(again), errAgain)
		}
	})
}

func BenchmarkEntries(b *testing.B) {
	for _, format := range []tar.Format{tar.FormatUSTAR, tar.FormatPAX} {
		const files = 30_000
		lines := make([]string, 0, 2*files)
		padding := ""
		for i := range files {
			h := tar.Header{Name: fmt.Sprintf("usr/share/some/folder/file%06d.txt", i), Typeflag: tar.TypeReg, Mode: 0o644, Uname: "root", Gname: "root", ModTime: time.Unix(1e9, 0), Format: format}
			if format == tar.FormatPAX {
				h.ModTime = time.Unix(1e9, 5)
			}
			header, content, next := pieces(b, h, 7)
			lines = append(lines, segment(padding+header), file(h.Name, content))
			padding = next
		}
		recipe := zip(b, lines...)
		b.Run("format="+format.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				for _, err := range Entries(bytes.NewReader(recipe), Options{}) {
					if n++; err != nil {
						b.Fatal(err)
					}
				}
				if n != files {
					b.Fatal(n)
				}
			}
			b.ReportMetric(float64(files)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
		b.Run("format="+format.String()+"/walk", func(b *testing.B) {
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
