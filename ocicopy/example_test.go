package ocicopy_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/ocicopy"
	"github.com/cstor-go/cstor/ocisource"
)

// An image is copied to an OCI layout twice: the second time everything is there.
func ExampleCopy() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store := filepath.Join(dir, "store")
	_, err = storetest.Build(store, `
layer base
  dir  etc 0755
  file etc/os-release 0644 "ID=sample\n"
layer app parent=base
  file app 0755 "run"
image localhost/sample:1 layer=app
`, storetest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	s, err := cstor.Open(ctx, store, cstor.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	image, err := s.Image("sample:1")
	if err != nil {
		log.Fatal(err)
	}

	layout := ocicopy.Layout{Dir: filepath.Join(dir, "layout")}
	for range 2 {
		report, err := ocicopy.Copy(ctx, []ocicopy.Image{{Image: image, Ref: "v1"}}, layout, ocicopy.Options{})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %d layers, %d of them were there\n", report.Images[0].Ref, report.Layers, report.Reused)
	}
	// Compressed, they are other blobs of the same layers.
	report, err := ocicopy.Copy(ctx, []ocicopy.Image{{Image: image, Ref: "small"}}, layout, ocicopy.Options{
		Source: ocisource.Options{Compression: ocisource.Zstd},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %d layers, %d of them were there\n", report.Images[0].Ref, report.Layers, report.Reused)
	// Output:
	// v1: 2 layers, 0 of them were there
	// v1: 2 layers, 2 of them were there
	// small: 2 layers, 0 of them were there
}
