package tarsplit_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/cstor-go/cstor/tarsplit"
)

// folder opens the files of a layer. Real layers need more care: package driver.
type folder string

func (f folder) OpenFile(name string) (*os.File, error) {
	return os.OpenInRoot(string(f), name)
}

// Take a tar piece by piece: bytes from the recipe, and files as descriptors, whose
// content a program may reflink, splice, or send to another process.
func ExampleReader_Next() {
	dir, err := os.MkdirTemp("", "layer-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "hello"), []byte("hello, world\n"), 0o644); err != nil {
		log.Fatal(err)
	}
	var recipe bytes.Buffer // in a store: overlay-layers/ID.tar-split.gz
	gz := gzip.NewWriter(&recipe)
	fmt.Fprintln(gz, `{"type":2,"payload":"YSBoZWFkZXI=","position":0}`)
	fmt.Fprintln(gz, `{"type":1,"name":"hello","size":13,"payload":null,"position":1}`)
	fmt.Fprintln(gz, `{"type":2,"payload":"cGFkZGluZw==","position":2}`)
	if err := gz.Close(); err != nil {
		log.Fatal(err)
	}

	r, err := tarsplit.NewReader(&recipe, folder(dir), tarsplit.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	for {
		item, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		if item.File == nil {
			fmt.Printf("inline: %q\n", item.Bytes)
			continue
		}
		fmt.Printf("file %s: %d bytes behind a descriptor\n", item.Name, item.Size)
		item.File.Close()
	}
	// Output:
	// inline: "a header"
	// file hello: 13 bytes behind a descriptor
	// inline: "padding"
}
