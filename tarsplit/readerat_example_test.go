package tarsplit_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/cstor-go/cstor/tarsplit"
)

// Read one file out of a layer's tar. The others are not opened.
func ExampleReaderAt_Files() {
	dir, err := os.MkdirTemp("", "layer-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "hostname"), []byte("box\n"), 0o644); err != nil {
		log.Fatal(err)
	}
	var recipe bytes.Buffer // in a store: overlay-layers/ID.tar-split.gz
	gz := gzip.NewWriter(&recipe)
	fmt.Fprintln(gz, `{"type":2,"payload":"YSBoZWFkZXI="}`)
	fmt.Fprintln(gz, `{"type":1,"name":"a film that is not even there","size":4000000000}`)
	fmt.Fprintln(gz, `{"type":2,"payload":"YSBoZWFkZXI="}`)
	fmt.Fprintln(gz, `{"type":1,"name":"hostname","size":4}`)
	if err := gz.Close(); err != nil {
		log.Fatal(err)
	}

	r, err := tarsplit.NewReaderAt(&recipe, folder(dir), tarsplit.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	for f := range r.Files() {
		if f.Name != "hostname" {
			continue
		}
		content, err := io.ReadAll(io.NewSectionReader(r, f.Offset, f.Size))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%q at byte %d of %d\n", content, f.Offset, r.Size())
	}
	// Output:
	// "box\n" at byte 4000000016 of 4000000020
}
