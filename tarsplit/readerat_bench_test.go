package tarsplit

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func BenchmarkReaderAtBuild(b *testing.B) {
	for name, format := range map[string]tar.Format{"gnu": tar.FormatGNU, "pax": tar.FormatPAX} {
		b.Run(fmt.Sprintf("files=100000/format=%s", name), func(b *testing.B) {
			const files = 100_000
			recipe, names := many(b, files, format)
			var x *index
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if x, err = buildIndex(b, recipe, math.MaxInt64); err != nil || x.len() != files {
					b.Fatal(x.len(), err)
				}
			}
			b.ReportMetric(files*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
			b.ReportMetric(float64(x.bytes())/files, "B/entry")
			b.ReportMetric(float64(names)/files, "name-B/entry")
		})
	}
}

// benchTar is a tar of files of the same size, about 256 MiB in all.
func benchTar(b *testing.B, size int) (recipe []byte, files dir, total int64) {
	b.Helper()
	n := 256 << 20 / size
	var buf bytes.Buffer
	lines := make([]string, 0, 2*n)
	tw := tar.NewWriter(&buf)
	content := strings.Repeat("x", size)
	tree := map[string]string{}
	for i := range n {
		name := fmt.Sprintf("usr/share/folder%d/file%d", i/100, i)
		tree[name] = content
		if err := tw.WriteHeader(&tar.Header{Name: name, Size: int64(size), Mode: 0o644, Typeflag: tar.TypeReg}); err != nil {
			b.Fatal(err)
		}
		lines = append(lines, segment(buf.String()), file(name, content))
		if _, err := io.WriteString(tw, content); err != nil {
			b.Fatal(err)
		}
		total += int64(buf.Len())
		buf.Reset()
	}
	return zip(b, lines...), folder(b, tree), total
}

// BenchmarkReaderAtSequential reads in steps of 32 KiB, as io.Copy does.
func BenchmarkReaderAtSequential(b *testing.B) {
	for _, size := range []int{4 << 10, 64 << 10, 16 << 20} {
		recipe, files, total := benchTar(b, size)
		run := func(kind string, reader func(b *testing.B) io.Reader) {
			b.Run(fmt.Sprintf("size=%dKiB/reader=%s", size>>10, kind), func(b *testing.B) {
				p := make([]byte, 32<<10)
				b.SetBytes(total)
				b.ReportAllocs()
				for b.Loop() {
					var sum int64
					r := reader(b)
					for {
						n, err := r.Read(p)
						if sum += int64(n); err == io.EOF {
							break
						}
						if err != nil {
							b.Fatal(err)
						}
					}
					if sum != total {
						b.Fatal(sum)
					}
				}
			})
		}
		run("stream", func(b *testing.B) io.Reader { return open(b, recipe, files, Options{}) })
		at := openAt(b, recipe, files, Options{})
		run("at", func(*testing.B) io.Reader { return section(at) })
	}
}

// BenchmarkReaderAtRandom reads 4 KiB at random places of a tar.
func BenchmarkReaderAtRandom(b *testing.B) {
	for _, size := range []int{4 << 10, 64 << 10, 16 << 20} {
		b.Run(fmt.Sprintf("size=%dKiB", size>>10), func(b *testing.B) {
			recipe, files, total := benchTar(b, size)
			r := openAt(b, recipe, files, Options{})
			rnd := rand.New(rand.NewPCG(1, 2))
			p := make([]byte, 4<<10)
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			for b.Loop() {
				if n, err := r.ReadAt(p, rnd.Int64N(total-int64(len(p)))); err != nil || n != len(p) {
					b.Fatal(n, err)
				}
			}
		})
	}
}

// BenchmarkReaderAtHeaders reads single headers at random places: the price of a
// block that is not in the cache.
func BenchmarkReaderAtHeaders(b *testing.B) {
	recipe, _ := many(b, 100_000, tar.FormatPAX)
	r := openAt(b, recipe, nil, Options{})
	x := r.index
	rnd := rand.New(rand.NewPCG(1, 2))
	p := make([]byte, blockSize)
	b.ReportAllocs()
	for b.Loop() {
		if n, err := r.ReadAt(p, x.files[rnd.IntN(x.len())].tar-blockSize); err != nil || n != len(p) {
			b.Fatal(n, err)
		}
	}
}
