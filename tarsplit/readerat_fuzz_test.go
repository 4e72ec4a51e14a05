package tarsplit

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// FuzzReaderAt: NewReaderAt takes the recipes that can be walked to their end, and
// whatever of the tar Reader gives, ReadAt gives in pieces of any kind.
func FuzzReaderAt(f *testing.F) {
	for _, recipe := range shapes(f) {
		gz, err := gzip.NewReader(bytes.NewReader(recipe))
		if err != nil {
			f.Fatal(err)
		}
		text, err := io.ReadAll(gz)
		if err != nil {
			f.Fatal(err)
		}
		if len(text) < 20_000 {
			f.Add(text, uint64(1))
		}
	}
	for _, version := range []string{"0.0", "0.1", "1.0", "gnu"} {
		h := holey{version, int64(len(contents["tiny"])), [][2]int64{{1, 2}, {5, 0}, {6, 3}}}
		lines := []string{segment(h.header(f, "tiny")), file("tiny", contents["tiny"]), segment(strings.Repeat("\x00", -len(h.data())&511)), file("one", "1")}
		f.Add([]byte(strings.Join(lines, "\n")), uint64(4))
	}
	f.Add([]byte(segment("ab")+"\n"+file("gone", "x")+"\n"+segment("cd")), uint64(2))
	f.Add([]byte(strings.Replace(file("one", "x"), `"size":1`, `"size":9223372036854775807`, 1)), uint64(3))
	files := folder(f, contents)
	f.Fuzz(func(t *testing.T, text []byte, seed uint64) {
		recipe := zip(t, string(text))
		r, err := NewReaderAt(bytes.NewReader(recipe), files, Options{})
		if _, walked := drain(recipe, Options{}); (err == nil) != errors.Is(walked, io.EOF) {
			t.Fatalf("walking: %v, NewReaderAt: %v", walked, err)
		}
		if err != nil {
			return
		}
		defer r.Close()
		want, damage := io.ReadAll(open(t, recipe, files, Options{}))
		got := make([]byte, len(want)+1)
		n, err := r.ReadAt(got, 0)
		if !bytes.Equal(got[:n], want) || err == nil || errors.Is(err, io.EOF) != (damage == nil) {
			t.Fatalf("all: %d bytes of %d, %v; Reader: %v", n, len(want), err, damage)
		}
		if damage == nil && r.Size() != int64(len(want)) {
			t.Fatalf("size %d, want %d", r.Size(), len(want))
		}
		rnd := rand.New(rand.NewPCG(seed, 0))
		for range 20 {
			off := rnd.IntN(len(want) + 1)
			if err := compare(r, want, int64(off), rnd.IntN(len(want)-off+1)); err != nil {
				t.Fatal(err)
			}
		}
	})
}
