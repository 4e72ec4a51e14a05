package corpora

import (
	"bytes"
	"compress/gzip"
	"io"
	"testing"
	"testing/iotest"
)

// TestContent: content compresses as its kind says, and does not depend on how it is read.
func TestContent(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name        string
		kind        kind
		least, most float64 // times as small as before
	}{
		{"text", text, 2.5, 5},
		{"random", random, 0.9, 1.1},
		{"mixed", mixed, 1.3, 1.8},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			const size = 1<<20 + 7
			whole := readAll(t, content(tc.kind, size, 1, 2))
			if len(whole) != size {
				t.Fatalf("%d bytes of %d", len(whole), size)
			}
			if halves := readAll(t, iotest.HalfReader(content(tc.kind, size, 1, 2))); !bytes.Equal(whole, halves) {
				t.Error("it depends on how it is read")
			}
			if other := readAll(t, content(tc.kind, size, 1, 3)); bytes.Equal(whole, other) {
				t.Error("another entry has the same content")
			}
			var zipped bytes.Buffer
			w := gzip.NewWriter(&zipped)
			_, _ = w.Write(whole)
			_ = w.Close()
			if ratio := float64(size) / float64(zipped.Len()); ratio < tc.least || ratio > tc.most {
				t.Errorf("it compresses %.2f times", ratio)
			}
		})
	}
}

func readAll(t *testing.T, r io.Reader) []byte {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
