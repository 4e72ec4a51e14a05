package oracle

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/vbatts/tar-split/tar/asm"
	"github.com/vbatts/tar-split/tar/storage"

	"github.com/cstor-go/cstor/tarsplit"
)

// FuzzTar: whatever tar tar-split takes apart, tarsplit rebuilds, by whichever way
// it is read. fix has the checksums of headers repaired before.
func FuzzTar(f *testing.F) {
	for _, tar := range seeds(f) {
		f.Add(tar, false)
	}
	f.Fuzz(func(t *testing.T, tar []byte, fix bool) {
		if fix {
			tar = slices.Clone(tar)
			repair(tar)
		}
		rebuild(t, tar)
	})
}

// TestSeeds: tar-split accepts those seeds that tell something.
func TestSeeds(t *testing.T) {
	t.Parallel()
	refused := []string{"same name twice", "zero block, then more", "broken end"}
	for name, tar := range seeds(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if rebuild(t, tar) == slices.Contains(refused, name) {
				t.Error("accepted or refused by tar-split, and should not be")
			}
		})
	}
}

// rebuild does for one tar what FuzzTar says, and reports whether tar-split took
// it.
func rebuild(t *testing.T, tar []byte) bool {
	recipe, layer, err := takeApart(tar)
	if err != nil {
		return false
	}
	lost, err := loss(tar)
	if err != nil {
		t.Fatalf("tar-split took the tar apart, but cannot read it: %v", err)
	}
	want, opts := tar[:len(tar)-lost.tail], tarsplit.Options{CheckCRC: true, Size: int64(len(tar)), SizeKnown: true}
	if theirs, err := assemble(recipe, layer); err == nil && !lost.sparse && !bytes.Equal(theirs, want) {
		t.Fatalf("tar-split itself rebuilds %d bytes of %d, losses %+v", len(theirs), len(want), lost)
	}
	entries := checkEntries(t, tar, recipe, layer, lost)
	var refusal error
	switch {
	case lost.unmapped:
		refusal = tarsplit.ErrLost
		want = tar[:unmapped(entries)[0].Content]
	case lost.tail > 0:
		refusal = tarsplit.ErrSize
	}
	for name, way := range ways {
		for _, opener := range openers(name, layer) {
			r, err := tarsplit.NewReader(bytes.NewReader(recipe), opener, opts)
			if err != nil {
				t.Fatal(err)
			}
			got, err := way(r, layer)
			r.Close()
			if !errors.Is(err, refusal) || !bytes.Equal(got, want) {
				t.Fatalf("%s: %d bytes of %d, equal to byte %d, error %v, losses %+v", name, len(got), len(want), equal(got, want), err, lost)
			}
		}
	}
	return true
}

// takeApart is what containers-storage does with a tar that it unpacks
// (storage/layers.go:applyDiffWithOptions): it returns the recipe and the files.
func takeApart(tar []byte) ([]byte, *kept, error) {
	var recipe bytes.Buffer
	gz := gzip.NewWriter(&recipe)
	layer := &kept{files: map[string][]byte{}, left: 1 << 20}
	in, done, err := asm.NewInputTarStreamWithDone(bytes.NewReader(tar), storage.NewJSONPacker(gz), layer)
	if err != nil {
		return nil, nil, err
	}
	_, err = io.Copy(io.Discard, in)
	err = errors.Join(err, <-done, gz.Close())
	return recipe.Bytes(), layer, err
}

// assemble is tar-split's way back.
func assemble(recipe []byte, from layer) ([]byte, error) {
	gz, err := gzip.NewReader(bytes.NewReader(recipe))
	if err != nil {
		return nil, err
	}
	var tar bytes.Buffer
	err = asm.WriteOutputTarStream(getter{from}, storage.NewJSONUnpacker(gz), &tar)
	return tar.Bytes(), err
}

// equal is how many bytes at the start are equal.
func equal(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
