package tardiff_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log"

	"github.com/cstor-go/cstor/tardiff"
)

// archive writes a tar of one file.
func archive(w io.Writer, mode int64, content string) {
	t := tar.NewWriter(w)
	h := tar.Header{Name: "etc/motd", Mode: mode, Size: int64(len(content)), Typeflag: tar.TypeReg}
	if err := t.WriteHeader(&h); err != nil {
		log.Fatal(err)
	}
	if _, err := io.WriteString(t, content); err != nil {
		log.Fatal(err)
	}
	if err := t.Close(); err != nil {
		log.Fatal(err)
	}
}

// Compare a compressed archive with one that is not.
func ExampleCompare() {
	var original, exported bytes.Buffer
	gz := gzip.NewWriter(&original)
	archive(gz, 0o644, "welcome\n")
	if err := gz.Close(); err != nil {
		log.Fatal(err)
	}
	archive(&exported, 0o600, "welcome!")

	a, compression, err := tardiff.Decompress(&original)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("A is compressed with %s\n", compression)
	var summary tardiff.Summary
	for d, err := range tardiff.Compare(context.Background(), a, &exported, tardiff.Options{Summary: &summary}) {
		if err != nil {
			log.Fatal(err)
		}
		switch d.Kind {
		case tardiff.KindContent:
			fmt.Printf("%s: content differs from byte %d: %q, %q\n", d.Name, d.ContentOffset, d.A.Value, d.B.Value)
		default:
			fmt.Printf("%s: %s %s: %q, %q\n", d.Name, d.Kind, d.Field, d.A.Value, d.B.Value)
		}
	}
	fmt.Printf("same: %v, entries: %d and %d\n", summary.Same(), summary.A.Entries, summary.B.Entries)
	// Output:
	// A is compressed with gzip
	// etc/motd: field mode: "0644", "0600"
	// etc/motd: content differs from byte 7: "\n", "!"
	// same: false, entries: 1 and 1
}
