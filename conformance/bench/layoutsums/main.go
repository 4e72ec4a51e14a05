// Command layoutsums prints what an OCI layout with one image holds: a line for the
// configuration and one for each layer, with the digest of what is in the blob,
// uncompressed, and the blob's size in bytes. It is a program of its own so that its memory
// does not count as that of the commands which are measured.
package main

import (
	"bufio"
	_ "crypto/sha256" // which digests are made by
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: layoutsums DIR")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "layoutsums:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	var index v1.Index
	if err := read(filepath.Join(dir, v1.ImageIndexFile), &index); err != nil {
		return err
	}
	if len(index.Manifests) != 1 {
		return fmt.Errorf("%d manifests", len(index.Manifests))
	}
	var m v1.Manifest
	if err := read(blob(dir, index.Manifests[0]), &m); err != nil {
		return err
	}
	for _, d := range append([]v1.Descriptor{m.Config}, m.Layers...) {
		sum, err := content(dir, d)
		if err != nil {
			return fmt.Errorf("%s: %w", d.Digest, err)
		}
		fmt.Println(sum, d.Size)
	}
	return nil
}

func read(name string, v any) error {
	raw, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, v)
}

func blob(dir string, d v1.Descriptor) string {
	return filepath.Join(dir, v1.ImageBlobsDir, d.Digest.Algorithm().String(), d.Digest.Encoded())
}

// content checks a blob, and returns the digest of what it holds.
func content(dir string, d v1.Descriptor) (digest.Digest, error) {
	f, err := os.Open(blob(dir, d))
	if err != nil {
		return "", err
	}
	defer f.Close()
	verify := d.Digest.Verifier()
	var r io.Reader = bufio.NewReaderSize(io.TeeReader(f, verify), 1<<20)
	switch d.MediaType {
	case v1.MediaTypeImageLayerGzip:
		z, err := gzip.NewReader(r)
		if err != nil {
			return "", err
		}
		r = z
	case v1.MediaTypeImageLayerZstd:
		z, err := zstd.NewReader(r)
		if err != nil {
			return "", err
		}
		defer z.Close()
		r = z
	}
	sum, err := digest.FromReader(r)
	if err != nil {
		return "", err
	}
	st, err := f.Stat()
	if err == nil && (st.Size() != d.Size || !verify.Verified()) {
		err = errors.New("the blob is not what its descriptor says")
	}
	return sum, err
}
