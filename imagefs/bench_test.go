package imagefs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/imagefs"
	"github.com/cstor-go/cstor/internal/storetest"
)

// BenchmarkOpen opens a file of the lowest of 60 layers, which all have its directories.
func BenchmarkOpen(b *testing.B) {
	fsys := view(b, tall(b, 1), "localhost/x:1")
	for b.Loop() {
		f, err := fsys.OpenFile("usr/lib/os-release0")
		if err != nil {
			b.Fatal(err)
		}
		check(b, f.Close())
	}
}

// BenchmarkFirstOpen does it with a new FS each time, so that no directory is known, where
// each layer has its directories, and where every fourth has.
func BenchmarkFirstOpen(b *testing.B) {
	for name, every := range map[string]int{"each": 1, "fourth": 4} {
		b.Run(name, func(b *testing.B) { firstOpen(b, tall(b, every)) })
	}
}

func firstOpen(b *testing.B, made *storetest.Store) {
	b.Helper()
	s, err := cstor.Open(b.Context(), made.Root, cstor.Options{})
	check(b, err)
	defer s.Close()
	i, err := s.Image("localhost/x:1")
	check(b, err)
	layers, err := i.Layers()
	check(b, err)
	for b.Loop() {
		fsys, err := imagefs.New(layers, imagefs.Options{})
		check(b, err)
		f, err := fsys.OpenFile("usr/lib/os-release0")
		check(b, err)
		check(b, f.Close())
	}
}

// tall is a store of an image with 60 layers, of which some have something in /usr/lib.
func tall(b *testing.B, every int) *storetest.Store {
	b.Helper()
	var spec strings.Builder
	for i := range 60 {
		fmt.Fprintf(&spec, "layer l%d", i)
		if i > 0 {
			fmt.Fprintf(&spec, " parent=l%d", i-1)
		}
		fmt.Fprintf(&spec, "\ndir etc 0755\nfile etc/f%d 0644 \"x\"\n", i)
		if i%every == 0 {
			fmt.Fprintf(&spec, "dir usr 0755\ndir usr/lib 0755\nfile usr/lib/os-release%d 0644 \"ID=x\\n\"\n", i)
		}
	}
	spec.WriteString("image localhost/x:1 layer=l59\n")
	return storetest.New(b, spec.String(), storetest.Options{})
}
