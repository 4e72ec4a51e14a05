package ocisource_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content/memory"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/ocisource"
)

// sample is an image in a store that is made for it.
func sample() (i *cstor.Image, remove func()) {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
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
	s, err := cstor.Open(context.Background(), store, cstor.Options{})
	if err != nil {
		log.Fatal(err)
	}
	if i, err = s.Image("sample:1"); err != nil {
		log.Fatal(err)
	}
	return i, func() { _ = s.Close(); _ = os.RemoveAll(dir) }
}

// A stored image is copied into memory by oras-go. The same call copies it to a registry:
// there the target is a remote.Repository.
func Example() {
	image, remove := sample()
	defer remove()
	ctx := context.Background()
	src, err := ocisource.Open(ctx, image, ocisource.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer src.Close()

	to := memory.New()
	manifest, err := oras.Copy(ctx, src, "", to, "v1", oras.CopyOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(manifest.MediaType)
	config, _ := src.Config()
	fmt.Println(config.Digest.Encoded() == image.ID())
	// Output:
	// application/vnd.oci.image.manifest.v1+json
	// true
}

// Layers that are compressed are known when that has been done.
func ExampleLayer_Prepare() {
	image, remove := sample()
	defer remove()
	ctx := context.Background()
	src, err := ocisource.Open(ctx, image, ocisource.Options{Compression: ocisource.Zstd})
	if err != nil {
		log.Fatal(err)
	}
	defer src.Close()
	for _, l := range src.Layers() {
		_, known := l.Descriptor()
		d, err := l.Prepare(ctx, nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(known, d.MediaType, d.Size < l.Stored().DiffSize())
	}
	// Output:
	// false application/vnd.oci.image.layer.v1.tar+zstd true
	// false application/vnd.oci.image.layer.v1.tar+zstd true
}
