package toc_test

import (
	"context"
	"iter"
	"log"
	"os"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/toc"
)

// contentsOf translates a layer's entries one by one.
func contentsOf(ctx context.Context, l *cstor.Layer) iter.Seq2[*toc.Entry, error] {
	return func(yield func(*toc.Entry, error) bool) {
		for e, err := range l.Entries(ctx) {
			var t *toc.Entry
			if err == nil {
				t, err = toc.From(e)
			}
			if !yield(t, err) || err != nil {
				return
			}
		}
	}
}

// The table of contents of a stored layer, of any size, in little memory.
func ExampleEncode_layer() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	spec, err := storetest.Parse(`
layer base
  dir     etc 0755 mtime=2024-01-02T03:04:05Z
  file    etc/hostname 0644 "box\n" mtime=2024-01-02T03:04:05Z
  symlink etc/mtab /proc/mounts
image localhost/sample:1 layer=base
`)
	if err == nil {
		_, err = spec.Build(dir, storetest.Options{})
	}
	if err != nil {
		log.Fatal(err)
	}
	s, err := cstor.Open(ctx, dir, cstor.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	i, err := s.Image("localhost/sample:1")
	if err != nil {
		log.Fatal(err)
	}
	layers, err := i.Layers()
	if err != nil {
		log.Fatal(err)
	}
	if err := toc.Encode(os.Stdout, contentsOf(ctx, layers[0]), toc.EncodeOptions{}); err != nil {
		log.Fatal(err)
	}
	// Output:
	// {"version":1,"entries":[
	// {"name":"etc/","type":"dir","modtime":"2024-01-02T03:04:05Z","mode":493},
	// {"name":"etc/hostname","type":"reg","size":4,"modtime":"2024-01-02T03:04:05Z","mode":420},
	// {"name":"etc/mtab","type":"symlink","modtime":"2024-05-06T07:08:09Z","linkName":"/proc/mounts","mode":511}
	// ]}
}
