package cstor_test

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
)

// sampleStore is a store for the examples; yours is found by cstor.Discover.
func sampleStore() (*storetest.Store, func()) {
	dir, err := os.MkdirTemp("", "cstor-example-")
	if err != nil {
		log.Fatal(err)
	}
	s, err := storetest.Build(filepath.Join(dir, "storage"), storetest.Sample, storetest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	return s, func() {
		if err := s.Remove(); err != nil {
			log.Print(err)
		}
		_ = os.RemoveAll(dir)
	}
}

// List the images of a store. A program would call cstor.Discover, which finds the
// store that podman uses.
func ExampleStorage_Images() {
	store, remove := sampleStore()
	defer remove()

	s, err := cstor.Open(context.Background(), store.Root, cstor.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	for image, err := range s.Images() {
		if err != nil {
			log.Fatal(err)
		}
		layers, err := image.Layers()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(image.Names(), len(layers), "layers")
	}
	// Output:
	// [docker.io/library/sample:1 docker.io/library/sample:latest] 3 layers
	// [localhost/tools:latest] 2 layers
	// [] 2 layers
	// [localhost/multi:latest] 0 layers
}

// Read an image's configuration, parsed and as the bytes that its id is made of.
func ExampleImage_Config() {
	store, remove := sampleStore()
	defer remove()

	s, err := cstor.Open(context.Background(), store.Root, cstor.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	image, err := s.Image("sample") // docker.io/library/sample:latest
	if err != nil {
		log.Fatal(err)
	}
	config, raw, err := image.Config()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(config.OS, config.Config.Cmd, config.Config.Env)
	fmt.Println(len(raw), "bytes")
	// Output:
	// linux [/opt/app/run] [PATH=/usr/bin:/bin]
	// 669 bytes
}

// Give a layer's tar back and check it in the same pass.
func ExampleLayer_WriteTar() {
	store, remove := sampleStore()
	defer remove()

	ctx := context.Background()
	s, err := cstor.Open(ctx, store.Root, cstor.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	image, err := s.Image("sample")
	if err != nil {
		log.Fatal(err)
	}
	layers, err := image.Layers() // base first
	if err != nil {
		log.Fatal(err)
	}
	report, err := layers[0].WriteTar(ctx, io.Discard, cstor.WriteOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Size, "bytes, verified by", report.Verified)
	fmt.Println(report.Digest == layers[0].DiffID())
	// Output:
	// 446464 bytes, verified by diff-id
	// true
}

// Read a layer's tar as a stream.
func ExampleLayer_Tar() {
	store, remove := sampleStore()
	defer remove()

	ctx := context.Background()
	s, err := cstor.Open(ctx, store.Root, cstor.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	image, err := s.Image("sample")
	if err != nil {
		log.Fatal(err)
	}
	layers, err := image.Layers()
	if err != nil {
		log.Fatal(err)
	}
	stream, err := layers[len(layers)-1].Tar(ctx, cstor.TarOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer stream.Close()
	archive := tar.NewReader(stream)
	for range 3 {
		entry, err := archive.Next()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(entry.Name)
	}
	// Output:
	// etc/
	// etc/.wh.gone
	// etc/conf.d/
}
