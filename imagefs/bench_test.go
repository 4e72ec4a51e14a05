package imagefs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cstor-go/cstor/internal/storetest"
)

// BenchmarkOpen opens a file of the lowest of 60 layers.
func BenchmarkOpen(b *testing.B) {
	var spec strings.Builder
	for i := range 60 {
		fmt.Fprintf(&spec, "layer l%d", i)
		if i > 0 {
			fmt.Fprintf(&spec, " parent=l%d", i-1)
		}
		fmt.Fprintf(&spec, "\ndir etc 0755\nfile etc/f%d 0644 \"x\"\ndir usr 0755\ndir usr/lib 0755\nfile usr/lib/os-release%d 0644 \"ID=x\\n\"\n", i, i)
	}
	spec.WriteString("image localhost/x:1 layer=l59\n")
	fsys := view(b, storetest.New(b, spec.String(), storetest.Options{}), "localhost/x:1")
	for b.Loop() {
		f, err := fsys.OpenFile("usr/lib/os-release0")
		if err != nil {
			b.Fatal(err)
		}
		check(b, f.Close())
	}
}
