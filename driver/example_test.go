package driver_test

import (
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/internal/storetest"
)

// exampleLayer opens the layer "app" of a store that is made for the purpose.
func exampleLayer() (layer *driver.Overlay, remove func()) {
	dir, err := os.MkdirTemp("", "driver-example-")
	if err != nil {
		log.Fatal(err)
	}
	store, err := storetest.Build(filepath.Join(dir, "root"), `
layer base
  dir  etc
  file etc/motd "hello\n"
  file etc/issue "base\n"
layer app parent=base
  dir      etc
  opaque   etc
  whiteout srv
  file     etc/hostname 0640 "app\n"
  symlink  etc/mtab /proc/mounts
`, storetest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	folder, err := beneath.Open(store.Layer("app").Dir, beneath.NoLinks)
	if err != nil {
		log.Fatal(err)
	}
	defer folder.Close()
	layer, err = driver.OpenOverlay(folder, driver.OverlayOptions{})
	if err != nil {
		log.Fatal(err)
	}
	return layer, func() {
		_ = store.Remove()
		_ = os.RemoveAll(dir)
	}
}

// List what a layer holds, and what it deletes from the layers below.
func ExampleOpenOverlay() {
	layer, remove := exampleLayer()
	defer remove()
	defer layer.Close()

	for _, dir := range []string{"/", "etc"} {
		entries, err := layer.ReadDir(dir)
		if err != nil {
			log.Fatal(err)
		}
		for _, e := range entries {
			node, err := layer.Lstat(dir + "/" + e.Name)
			if err != nil {
				log.Fatal(err)
			}
			switch {
			case node.Hides != "":
				fmt.Printf("deletes %s\n", node.Hides)
			case node.Opaque == driver.OpaqueYes:
				fmt.Printf("%v %s, replaces the one below\n", node.Mode, e.Name)
			case node.Link != "":
				fmt.Printf("%v %s -> %s\n", node.Mode, e.Name, node.Link)
			default:
				fmt.Printf("%v %s, %d bytes\n", node.Mode, e.Name, node.Size)
			}
		}
	}
	// Output:
	// drwxr-xr-x etc, replaces the one below
	// deletes srv
	// -rw-r----- hostname, 4 bytes
	// Lrwxrwxrwx mtab -> /proc/mounts
}

// Any spelling that a tar may use for a name will do.
func ExampleOverlay_OpenFile() {
	layer, remove := exampleLayer()
	defer remove()
	defer layer.Close()

	f, err := layer.OpenFile("./etc/hostname")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", text)
	// Output: app
}
