package tarsplit_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"log"
	"time"

	"github.com/cstor-go/cstor/tarsplit"
)

// List a layer from its recipe alone: no file of the layer is opened.
func ExampleEntries() {
	// In a store: overlay-layers/ID.tar-split.gz.
	var recipe, headers bytes.Buffer
	gz := gzip.NewWriter(&recipe)
	lines, tw := json.NewEncoder(gz), tar.NewWriter(&headers)
	for _, h := range []tar.Header{
		{Name: "etc/", Typeflag: tar.TypeDir, Mode: 0o755, Uname: "root"},
		{Name: "etc/hostname", Typeflag: tar.TypeReg, Mode: 0o644, Uname: "root", ModTime: time.Unix(1e9, 0)},
		{Name: "etc/name", Typeflag: tar.TypeSymlink, Linkname: "hostname", Mode: 0o777, Uname: "root"},
	} {
		if err := tw.WriteHeader(&h); err != nil {
			log.Fatal(err)
		}
		if err := lines.Encode(map[string]any{"type": 2, "payload": headers.Bytes()}); err != nil {
			log.Fatal(err)
		}
		if err := lines.Encode(map[string]any{"type": 1, "name": h.Name, "size": h.Size}); err != nil {
			log.Fatal(err)
		}
		headers.Reset()
	}
	if err := gz.Close(); err != nil {
		log.Fatal(err)
	}

	for e, err := range tarsplit.Entries(&recipe, tarsplit.Options{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%c %4o %s %s %s\n", e.Type, e.Mode, e.Uname, e.ModTime.Format(time.DateOnly), e.Name)
		if e.Linkname != "" {
			fmt.Println("  to", e.Linkname)
		}
	}
	// Output:
	// 5  755 root 1970-01-01 etc/
	// 0  644 root 2001-09-09 etc/hostname
	// 2  777 root 1970-01-01 etc/name
	//   to hostname
}
