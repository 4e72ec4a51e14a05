package corpus

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/storage"
	"go.podman.io/storage/pkg/archive"

	"github.com/cstor-go/cstor/conformance/fixture"
)

// Lent is a layer of an additional layer store: what [LendLayers] is to make, and after it what was made.
type Lent struct {
	// ID is the layer's id.
	ID string
	// Tar is what the blob has to give.
	Tar []byte
	// Blob is the tar compressed. If it is nil, Tar is compressed as Compression says.
	Blob        []byte
	Compression archive.Compression
	// Parent is a layer that was made before, "" for a base layer.
	Parent string
	// Reference: the layer is in the store whose paths have the image's reference in them.
	Reference bool
	// Elsewhere: the layer is in a store that is not among [Store.LayerStores] afterwards.
	Elsewhere bool
	// Bare and Plain leave the diff id and the compression out of the record that the additional layer store keeps.
	Bare, Plain bool
	// Spoil, if not nil, is called at the end with the layer's folders in its store and in the additional one.
	Spoil func(dir, lender string) error
}

// LendLayers makes a store in dir whose layers lie in additional layer stores, with calls of the reference library. Those
// stores are plain folders, where there is a server behind a FUSE mount elsewhere: how their files are read is the same.
// Dir is part of what is written: the store cannot be moved.
func LendLayers(dir string, layers []Lent) (_ *Store, err error) {
	s := Corpus{Driver: "overlay"}.store(dir)
	byRef, plain, elsewhere := filepath.Join(dir, "by-reference"), filepath.Join(dir, "plain"), filepath.Join(dir, "elsewhere")
	for _, path := range []string{byRef, plain, elsewhere} {
		if err := os.MkdirAll(path, 0o755); err != nil {
			return nil, err
		}
	}
	s.LayerStores = []string{byRef + ":ref", plain, elsewhere}
	ref, err := s.OpenReference()
	if err != nil {
		return nil, err
	}
	for _, l := range layers {
		home := plain
		switch {
		case l.Reference:
			home = filepath.Join(byRef, base64.StdEncoding.EncodeToString([]byte(lentImage)))
		case l.Elsewhere:
			home = elsewhere
		}
		if err := l.lend(ref, home); err != nil {
			return nil, errors.Join(fmt.Errorf("lent layer %s: %w", l.ID, err), shutdown(ref))
		}
	}
	s.LayerStores = s.LayerStores[:2]
	if err := saveLent(s, ref); err != nil {
		return nil, errors.Join(err, shutdown(ref))
	}
	if err := shutdown(ref); err != nil {
		return nil, err
	}
	for _, l := range layers {
		if l.Spoil == nil {
			continue
		}
		own := filepath.Join(s.GraphRoot, "overlay", l.ID)
		diff, err := os.Readlink(filepath.Join(own, "diff"))
		if err != nil {
			return nil, err
		}
		if err := l.Spoil(own, filepath.Dir(diff)); err != nil {
			return nil, fmt.Errorf("lent layer %s: %w", l.ID, err)
		}
	}
	return s, nil
}

// saveLent writes the records of the layers: the library forgets to since it keeps those of image stores apart (container-libs
// storage/layers.go:PutAdditionalLayer of 1.59 to 1.65 at least sets no location, and saveLayers saves by location).
func saveLent(s *Store, ref storage.Store) error {
	layers, err := ref.Layers()
	if err != nil {
		return err
	}
	b, err := json.Marshal(layers)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.GraphRoot, "overlay-layers", "layers.json"), b, 0o600)
}

// lentImage is the reference of the image that all the layers are said to be of.
const lentImage = "localhost/lent:latest"

// lend puts the layer into the additional layer store, and has the library take it from there.
func (l Lent) lend(ref storage.Store, home string) error {
	tocDigest := digest.FromString("table of contents of " + l.ID)
	if err := l.lay(filepath.Join(home, tocDigest.String()), tocDigest); err != nil {
		return err
	}
	found, err := ref.LookupAdditionalLayer(tocDigest, lentImage)
	if err != nil {
		return err
	}
	// Release would tell a server that nobody needs the layer any longer.
	_, err = found.PutAs(l.ID, l.Parent, nil)
	return err
}

// lay makes the folder that the layer has in an additional layer store.
func (l Lent) lay(home string, tocDigest digest.Digest) error {
	blob := l.Blob
	if blob == nil {
		var err error
		if blob, err = compressed(l.Tar, l.Compression); err != nil {
			return err
		}
	}
	record := storage.Layer{
		TOCDigest: tocDigest, CompressedDigest: digest.FromBytes(blob), CompressedSize: int64(len(blob)),
		CompressionType: l.Compression, UncompressedDigest: digest.FromBytes(l.Tar), UncompressedSize: int64(len(l.Tar)),
	}
	if l.Bare {
		record.UncompressedDigest, record.UncompressedSize = "", -1
	}
	if l.Plain {
		record.CompressionType = archive.Uncompressed
	}
	info, err := json.Marshal(record)
	if err != nil {
		return err
	}
	tree := filepath.Join(home, "diff")
	if err := os.MkdirAll(tree, 0o755); err != nil {
		return err
	}
	return errors.Join(
		archive.Untar(bytes.NewReader(l.Tar), tree, &archive.TarOptions{WhiteoutFormat: archive.OverlayWhiteoutFormat}),
		os.WriteFile(filepath.Join(home, "blob"), blob, 0o644),
		os.WriteFile(filepath.Join(home, "info"), info, 0o644),
		os.Symlink("nowhere/use", filepath.Join(home, "use")), // cannot be made, as in stores that take notice
	)
}

// lendImage makes the additional layer store dir for the pull of an image of the registry, its name and tag given, in the form
// of storage libraries up to 1.52: folders are called by the digests of blobs.
func (lab *Lab) lendImage(dir, repo, tag string) error {
	layout := filepath.Join(lab.in, repo)
	d, err := findRef(layout, tag)
	if err != nil {
		return err
	}
	var manifest v1.Manifest
	if err := readBlob(layout, digest.Digest(d.Digest), &manifest); err != nil {
		return err
	}
	var config v1.Image
	if err := readBlob(layout, manifest.Config.Digest, &config); err != nil {
		return err
	}
	home := filepath.Join(dir, base64.StdEncoding.EncodeToString([]byte(lab.registry.addr+"/"+repo+":"+tag)))
	for n, layer := range manifest.Layers {
		known, ok := fixture.ByDiffID(config.RootFS.DiffIDs[n].String())
		if !ok {
			return fmt.Errorf("layer %d of %s:%s is not known", n, repo, tag)
		}
		l := Lent{Tar: known.Tar, Compression: archive.Gzip}
		if l.Blob, err = os.ReadFile(blobPath(layout, layer.Digest)); err != nil {
			return err
		}
		if err := l.lay(filepath.Join(home, layer.Digest.String()), ""); err != nil {
			return err
		}
	}
	return nil
}

func readBlob(layout string, d digest.Digest, v any) error {
	b, err := os.ReadFile(blobPath(layout, d))
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

func blobPath(layout string, d digest.Digest) string {
	return filepath.Join(layout, "blobs", d.Algorithm().String(), d.Encoded())
}

func compressed(b []byte, c archive.Compression) ([]byte, error) {
	var buf bytes.Buffer
	switch c {
	case archive.Uncompressed:
		return b, nil
	case archive.Gzip:
		w := gzip.NewWriter(&buf)
		_, _ = w.Write(b) // writing to a bytes.Buffer
		err := w.Close()
		return buf.Bytes(), err
	case archive.Zstd:
		w, err := zstd.NewWriter(nil)
		if err != nil {
			return nil, err
		}
		return w.EncodeAll(b, nil), nil
	}
	return nil, fmt.Errorf("no writer of compression %d", c)
}

func shutdown(ref storage.Store) error {
	_, err := ref.Shutdown(true)
	return err
}
