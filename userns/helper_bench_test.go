package userns_test

import (
	"crypto/rand"
	"fmt"
	"io"
	"io/fs"
	"math"
	mathrand "math/rand/v2"
	"os"
	"testing"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/imagefs"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/userns"
)

// BenchmarkHelper does the same with a layer of 50,000 files by itself and through a
// helper process: that is to take at most twice as long where it exports the layer.
// Files have the sizes of a web application's modules: half are smaller than 1.1 KB. An
// ordinary user has a process in a namespace, and confined; root one that is neither.
func BenchmarkHelper(b *testing.B) {
	made := manyFiles(b, 50_000)
	for name, do := range map[string]func(b *testing.B, l *cstor.Layer){
		"export":    func(b *testing.B, l *cstor.Layer) { export(b, l, cstor.WriteOptions{}) },
		"no-verify": func(b *testing.B, l *cstor.Layer) { export(b, l, cstor.WriteOptions{NoVerify: true}) },
		"walk":      walk,
		"imagefs":   walkFS,
	} {
		for _, way := range []string{"direct", "helper"} {
			b.Run(name+"/"+way, func(b *testing.B) {
				opts, h := cstor.Options{}, new(userns.Helper)
				if way == "helper" {
					if os.Geteuid() == 0 {
						h = userns.NewPlainHelper()
					}
					defer func() { check(b, h.Close()) }()
					opts.Helper = h
				}
				s, err := cstor.Open(b.Context(), made.Root, opts)
				check(b, err)
				defer s.Close()
				l, err := s.Layer(made.Layer("many").ID)
				check(b, err)
				do(b, l) // starts the process; and caches are warm
				if started := opts.Helper != nil; started != (len(h.Processes()) > 0) {
					b.Fatal("there is no helper process")
				}
				b.ReportAllocs()
				for b.Loop() {
					do(b, l)
				}
			})
		}
	}
}

func export(b *testing.B, l *cstor.Layer, opts cstor.WriteOptions) {
	b.Helper()
	report, err := l.WriteTar(b.Context(), struct{ io.Writer }{io.Discard}, opts)
	check(b, err)
	b.SetBytes(report.Size)
}

func walk(b *testing.B, l *cstor.Layer) {
	b.Helper()
	n := 0
	for _, err := range driver.Walk(l) {
		check(b, err)
		n++
	}
	if n < 50_000 {
		b.Fatalf("%d nodes", n)
	}
}

// walkFS looks at everything through an io/fs.FS.
func walkFS(b *testing.B, l *cstor.Layer) {
	b.Helper()
	fsys, err := imagefs.New([]*cstor.Layer{l}, imagefs.Options{})
	check(b, err)
	n := 0
	check(b, fs.WalkDir(fsys, ".", func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		n++
		_, err = d.Info()
		return err
	}))
	if n < 50_000 {
		b.Fatalf("%d nodes", n)
	}
}

// manyFiles is a store with a layer of so many files.
func manyFiles(tb testing.TB, files int) *storetest.Store {
	tb.Helper()
	noise := make([]byte, 1<<20)
	_, _ = rand.Read(noise) // never fails
	rnd := mathrand.New(mathrand.NewPCG(1, 2))
	l := storetest.Layer{Name: "many"}
	for i := range files {
		if i%50 == 0 {
			l.Entries = append(l.Entries, storetest.Dir(fmt.Sprintf("usr/lib/modules/dir%d", i/50), 0o755))
		}
		size := min(int(math.Exp(7+1.3*rnd.NormFloat64())), 200_000)
		from := rnd.IntN(len(noise) - size)
		l.Entries = append(l.Entries, storetest.File(fmt.Sprintf("usr/lib/modules/dir%d/file%d.js", i/50, i), 0o644, string(noise[from:from+size])))
	}
	return storetest.Spec{Layers: []storetest.Layer{l}}.New(tb, storetest.Options{})
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
