package beneath

import (
	"os"
	"path/filepath"
	"testing"
)

// benchFile lies seven components deep.
const benchFile = "a/b/c/d/e/f/g"

// BenchmarkFile opens and closes one small file, warm. Compare with peers that
// guard less: os.Open not at all, os.Root blocks on FIFOs and opens devices.
func BenchmarkFile(b *testing.B) {
	s := newSite(b, "file "+benchFile+" inside")
	run := func(name string, open func() (*os.File, error)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f, err := open()
				if err != nil {
					b.Fatal(err)
				}
				f.Close()
			}
		})
	}
	proc := detect().proc
	for name, m := range map[string]means{"by=openat2": {proc: proc}, "by=openat2,no-proc": {proc: -1}, "by=walk": {walk: true, proc: proc}} {
		if !m.walk && detect().walk {
			continue
		}
		for scopeName, scope := range map[string]Scope{"NoLinks": NoLinks, "InRoot": InRoot} {
			d := openSite(b, s, scope, m)
			run(name+"/scope="+scopeName, func() (*os.File, error) { return d.File(benchFile) })
		}
	}
	path := filepath.Join(s.in(), benchFile)
	run("by=os.Open", func() (*os.File, error) { return os.Open(path) })
	root, err := os.OpenRoot(s.in())
	must(b, err)
	defer root.Close()
	run("by=os.Root", func() (*os.File, error) { return root.Open(benchFile) })
}

func BenchmarkLstat(b *testing.B) {
	s := newSite(b, "file "+benchFile+" inside")
	d := openSite(b, s, InRoot, detect())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Lstat(benchFile); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkXattrs(b *testing.B) {
	s := newSite(b, "file "+benchFile+" inside")
	d := openSite(b, s, InRoot, detect())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Xattrs(benchFile); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadInto reads and closes one small file, warm.
func BenchmarkReadInto(b *testing.B) {
	s := newSite(b, "file "+benchFile+" inside")
	for name, m := range map[string]means{"private mount": detect(), "shared mount": {walk: detect().walk, proc: detect().proc, shared: true}} {
		b.Run(name, func(b *testing.B) {
			d := openSite(b, s, InRoot, m)
			p := make([]byte, len("inside"))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.ReadInto(benchFile, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
