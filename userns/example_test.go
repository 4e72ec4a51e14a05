package userns_test

import (
	"context"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/imagefs"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/userns"
)

// exampleStore makes a store of the calling user.
func exampleStore() (root string, remove func()) {
	dir, err := os.MkdirTemp("", "userns-example-")
	if err != nil {
		log.Fatal(err)
	}
	store, err := storetest.Build(filepath.Join(dir, "root"), `
layer base
  file etc/hostname 0644 "box\n"
  file etc/shadow   0000 "root:*:\n"
image localhost/box:1 layer=base
`, storetest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	return store.Root, func() {
		_ = store.Remove()
		_ = os.RemoveAll(dir)
	}
}

// A program that stays outside of the user's namespace reads an image of the user's
// store, also files that only their owners may read. The first deed of its main is
//
//	userns.Init()
//
// so that the helper process, which is the same program, becomes one.
func ExampleHelper() {
	root, remove := exampleStore()
	defer remove()

	var helper userns.Helper // starts a process when one is needed
	defer helper.Close()
	s, err := cstor.Open(context.Background(), root, cstor.Options{Helper: &helper})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	image, err := s.Image("localhost/box:1")
	if err != nil {
		log.Fatal(err)
	}
	layers, err := image.Layers()
	if err != nil {
		log.Fatal(err)
	}
	fsys, err := imagefs.New(layers, imagefs.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{"etc/hostname", "etc/shadow"} {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s", text)
	}
	// Output:
	// box
	// root:*:
}
