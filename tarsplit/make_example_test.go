package tarsplit_test

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"

	"github.com/cstor-go/cstor/tarsplit"
)

// Make a tar of files of which the original tar is not known.
func ExampleMake() {
	dir, err := os.MkdirTemp("", "layer-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "hello"), []byte("hello, world\n"), 0o644); err != nil {
		log.Fatal(err)
	}
	entries := func(yield func(*tarsplit.Entry, error) bool) {
		_ = yield(&tarsplit.Entry{Name: "etc/", Type: tar.TypeDir, Mode: 0o755}, nil) &&
			yield(&tarsplit.Entry{
				Name: "etc/hello", Type: tar.TypeReg, Mode: 0o644, Size: 13,
				File: "hello", Digest: digest.FromString("hello, world\n"),
			}, nil)
	}

	r, err := tarsplit.Make(entries, folder(dir), tarsplit.Options{CheckCRC: true})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	for archive := tar.NewReader(r); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s %q\n", h.Name, text)
	}
	fmt.Println(r.Offset(), "bytes, all files checked:", r.Unchecked() == 0)
	// Output:
	// etc/ ""
	// etc/hello "hello, world\n"
	// 2560 bytes, all files checked: true
}
