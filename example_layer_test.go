package cstor_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path"

	"github.com/cstor-go/cstor"
)

// baseLayer opens the lowest layer of an image: see the example of Layer.WriteTar.
func baseLayer() (layer *cstor.Layer, done func()) {
	store, remove := sampleStore()
	s, err := cstor.Open(context.Background(), store.Root, cstor.Options{})
	if err != nil {
		log.Fatal(err)
	}
	image, err := s.Image("sample")
	if err != nil {
		log.Fatal(err)
	}
	layers, err := image.Layers() // base first
	if err != nil {
		log.Fatal(err)
	}
	return layers[0], func() {
		s.Close()
		remove()
	}
}

// Read one file of a layer. It is found by the name that the tar gives it, whatever
// the storage driver.
func ExampleLayer_OpenFile() {
	layer, done := baseLayer()
	defer done()

	f, err := layer.OpenFile("etc/hostname")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", text)
	// Output:
	// sample
}

// Export a layer piece by piece. Content comes as an open file, to be sent through
// a socket, cloned, or spliced: here the kernel copies it.
func ExampleLayer_Tar_descriptors() {
	layer, done := baseLayer()
	defer done()

	out, err := os.CreateTemp("", "layer-*.tar")
	if err != nil {
		log.Fatal(err)
	}
	defer os.Remove(out.Name())
	defer out.Close()

	stream, err := layer.Tar(context.Background(), cstor.TarOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer stream.Close()
	files := 0
	for {
		item, err := stream.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		if item.File == nil {
			if _, err := out.Write(item.Bytes); err != nil {
				log.Fatal(err)
			}
			continue
		}
		n, err := io.Copy(out, item.File) // copy_file_range(2)
		_ = item.File.Close()             // it is ours, and was only read
		if err != nil || n != item.Size {
			log.Fatal(item.Name, " changed while it was read: ", err)
		}
		files++
	}
	info, err := out.Stat()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(files, "files,", info.Size(), "bytes; recorded:", layer.DiffSize())
	// Output:
	// 11 files, 446464 bytes; recorded: 446464
}

// Read one file out of the middle of the tar. No other file is opened.
func ExampleLayer_TarAt() {
	layer, done := baseLayer()
	defer done()

	tarball, err := layer.TarAt(context.Background(), cstor.TarOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer tarball.Close()
	for file := range tarball.Files() {
		if path.Clean(file.Name) != "etc/hostname" { // "./etc/hostname" in this tar
			continue
		}
		text, err := io.ReadAll(io.NewSectionReader(tarball, file.Offset, file.Size))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("at %d of %d: %s", file.Offset, tarball.Size(), text)
	}
	// Output:
	// at 12288 of 446464: sample
}

// List what a layer's tar says of its entries, without opening any.
func ExampleLayer_Entries() {
	layer, done := baseLayer()
	defer done()

	n := 0
	for entry, err := range layer.Entries(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		if n++; n <= 3 {
			fmt.Printf("%c %04o %d:%d %6d %s\n", entry.Type, entry.Mode, entry.UID, entry.GID, entry.Size, entry.Name)
		}
	}
	fmt.Println(n, "entries")
	// Output:
	// 5 0755 0:0      0 ./
	// 5 0755 0:0      0 ./bin/
	// 2 0777 0:0      0 ./lib
	// 34 entries
}
