package imagefs_test

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/imagefs"
	"github.com/cstor-go/cstor/internal/storetest"
)

// sample makes a store to show something with.
func sample() (s *cstor.Storage, remove func()) {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	spec, err := storetest.Parse(`
layer base
  dir  etc 0755
  file etc/os-release 0644 "ID=sample\n"
  file etc/secret 0600 "hidden\n"
layer app parent=base
  dir      etc 0755
  whiteout etc/secret
  dir      srv 0755
  file     srv/index.html 0644 "<h1>hello</h1>\n"
image localhost/sample:1 layer=app
image localhost/base:1 layer=base
`)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := spec.Build(dir, storetest.Options{}); err != nil {
		log.Fatal(err)
	}
	if s, err = cstor.Open(context.Background(), dir, cstor.Options{}); err != nil {
		log.Fatal(err)
	}
	return s, func() { _ = s.Close(); _ = os.RemoveAll(dir) }
}

// treeOf is the tree of an image.
func treeOf(s *cstor.Storage, name string) *imagefs.FS {
	i, err := s.Image(name)
	if err != nil {
		log.Fatal(err)
	}
	layers, err := i.Layers()
	if err != nil {
		log.Fatal(err)
	}
	tree, err := imagefs.New(layers, imagefs.Options{})
	if err != nil {
		log.Fatal(err)
	}
	return tree
}

// Walk all files of an image.
func Example_walk() {
	s, remove := sample()
	defer remove()
	err := fs.WalkDir(treeOf(s, "localhost/sample:1"), ".", func(path string, _ fs.DirEntry, err error) error {
		fmt.Println(path)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// .
	// etc
	// etc/os-release
	// srv
	// srv/index.html
}

// Read one file of every image in a store.
func Example_everyImage() {
	s, remove := sample()
	defer remove()
	for image, err := range s.Images() {
		if err != nil {
			log.Fatal(err)
		}
		b, err := fs.ReadFile(treeOf(s, image.ID()), "etc/os-release")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %s", image.Names()[0], b)
	}
	// Unordered output:
	// localhost/sample:1: ID=sample
	// localhost/base:1: ID=sample
}

// Serve the tree of an image over HTTP.
func Example_serve() {
	s, remove := sample()
	defer remove()
	server := httptest.NewServer(http.FileServerFS(treeOf(s, "localhost/sample:1")))
	defer server.Close()

	r, err := http.Get(server.URL + "/srv/")
	if err != nil {
		log.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	fmt.Printf("%s: %s", r.Status, b)
	if err != nil {
		log.Fatal(err)
	}
	// Output: 200 OK: <h1>hello</h1>
}

// Which layer owns each path, and what its header says: no file is opened.
func ExampleMerge() {
	s, remove := sample()
	defer remove()
	image, err := s.Image("sample:1")
	if err != nil {
		log.Fatal(err)
	}
	layers, err := image.Layers()
	if err != nil {
		log.Fatal(err)
	}
	tree, err := imagefs.Merge(context.Background(), layers, imagefs.MergeOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for n := range tree.All() {
		if n.Entry.Type == '0' {
			fmt.Printf("%04o %s of layer %d\n", n.Entry.Mode, n.Path, n.Layer)
		}
	}
	// Output:
	// 0644 etc/os-release of layer 0
	// 0644 srv/index.html of layer 1
}
