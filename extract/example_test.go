package extract_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/extract"
	"github.com/cstor-go/cstor/internal/storetest"
)

// sample are the layers of an image in a store that is made for it, below dir.
func sample() (layers []*cstor.Layer, dir string, remove func()) {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	store := filepath.Join(dir, "store")
	_, err = storetest.Build(store, `
layer base
  dir  etc 0755
  file etc/os-release 0644 "ID=sample\n"
  file etc/secret 0600 "hidden\n"
layer app parent=base
  whiteout etc/secret
image localhost/sample:1 layer=app
`, storetest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	s, err := cstor.Open(context.Background(), store, cstor.Options{})
	if err != nil {
		log.Fatal(err)
	}
	i, err := s.Image("sample:1")
	if err != nil {
		log.Fatal(err)
	}
	if layers, err = i.Layers(); err != nil {
		log.Fatal(err)
	}
	return layers, dir, func() { _ = s.Close(); _ = os.RemoveAll(dir) }
}

// An image becomes a directory. On file systems that share blocks it takes no space.
func ExampleDir() {
	layers, dir, remove := sample()
	defer remove()
	root := filepath.Join(dir, "rootfs")
	report, err := extract.Dir(context.Background(), layers, root, extract.Options{
		Reflink: extract.ReflinkAuto, NoSameOwner: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Files, "file,", report.Shared+report.Copied, "bytes")
	b, err := os.ReadFile(filepath.Join(root, "etc/os-release"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", b)
	if err := os.Chmod(root, 0o700); err != nil { // so that an ordinary user can remove it
		log.Fatal(err)
	}
	// Output:
	// 1 file, 10 bytes
	// ID=sample
}

// An image becomes one tar.
func ExampleTar() {
	layers, _, remove := sample()
	defer remove()
	var out bytes.Buffer
	if _, err := extract.Tar(context.Background(), layers, &out, extract.TarOptions{}); err != nil {
		log.Fatal(err)
	}
	for r := tar.NewReader(&out); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(h.Name)
	}
	// Output:
	// ./
	// etc/
	// etc/os-release
}
