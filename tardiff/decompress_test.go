package tardiff

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func gz(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zst(t testing.TB, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(data, nil)
}

func skippable(text string) []byte {
	return append(binary.LittleEndian.AppendUint32([]byte("\x5a\x2a\x4d\x18"), uint32(len(text))), text...)
}

// TestDecompress: a tar in any wrapping is the same.
func TestDecompress(t *testing.T) {
	t.Parallel()
	whole := tarOf(t, "a", "b", "c")
	for _, c := range []struct {
		name, compression string
		data              []byte
	}{
		{"plain", "", whole},
		{"gzip", "gzip", gz(t, whole)},
		{"gzip members", "gzip", slices.Concat(gz(t, whole[:700]), gz(t, nil), gz(t, whole[700:]))},
		{"zstd", "zstd", zst(t, whole)},
		{"zstd frames", "zstd", slices.Concat(zst(t, whole[:700]), zst(t, whole[700:]))},
		{"zstd skippable", "zstd", slices.Concat(skippable("first"), zst(t, whole[:700]), skippable("between"), zst(t, whole[700:]), skippable("last"))},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, r := range []io.Reader{bytes.NewReader(c.data), iotest.OneByteReader(bytes.NewReader(c.data)), iotest.DataErrReader(bytes.NewReader(c.data))} {
				plain, compression, err := Decompress(r)
				if err != nil || compression != c.compression {
					t.Fatalf("%q, %v", compression, err)
				}
				list, s, err := all(t, bytes.NewReader(whole), plain, Options{})
				if err != nil || !s.Same() {
					t.Errorf("%q, %v", briefs(list), err)
				}
			}
		})
	}
}

func TestDecompressSeekable(t *testing.T) {
	t.Parallel()
	for _, data := range [][]byte{tarOf(t, "a"), []byte("short"), nil} {
		r := bytes.NewReader(data)
		if plain, _, err := Decompress(r); err != nil || plain != io.Reader(r) {
			t.Errorf("%d bytes: %T, %v", len(data), plain, err)
		}
		if left := r.Len(); left != len(data) {
			t.Errorf("%d of %d bytes left", left, len(data))
		}
	}
}

func TestDecompressErrors(t *testing.T) {
	t.Parallel()
	whole := tarOf(t, "a", "b", "c")
	// A frame with a window of 2^(10+18) bytes, and one raw block of one byte.
	frame := []byte("\x28\xb5\x2f\xfd\x00\x90\x09\x00\x00x")
	for _, c := range []struct {
		name string
		data []byte
		is   error
	}{
		{"xz", []byte("\xfd7zXZ\x00\x00\x04...."), errors.ErrUnsupported},
		{"a gzip header alone", gz(t, whole)[:5], io.ErrUnexpectedEOF},
		{"truncated gzip", gz(t, whole)[:60], io.ErrUnexpectedEOF},
		{"a wrong gzip checksum", edited(gz(t, whole), len(gz(t, whole))-8, 0), gzip.ErrChecksum},
		{"truncated zstd", zst(t, whole)[:40], io.ErrUnexpectedEOF},
		{"a large zstd window", frame, ErrLimit},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			plain, _, err := Decompress(bytes.NewReader(c.data))
			if err == nil {
				_, err = io.Copy(io.Discard, plain)
			}
			if !errors.Is(err, c.is) {
				t.Errorf("error %v", err)
			}
		})
	}
	if _, _, err := Decompress(iotest.ErrReader(errReader)); !errors.Is(err, errReader) {
		t.Errorf("error %v", err)
	}
}

// TestOffsetOfReader: what is read again is found although the reader was not at its
// beginning; and a pipe, which is a file as well, is not read again.
func TestOffsetOfReader(t *testing.T) {
	t.Parallel()
	long := bytes.Repeat([]byte("0123456789"), 10_000)
	a := newBuilder(t).file("f", string(long)).files("g", "h").end(2)
	b := newBuilder(t).files("g", "h").file("f", string(edited(long, 77_777, 'X'))).end(2)
	name := filepath.Join(t.TempDir(), "a.tar")
	if err := os.WriteFile(name, slices.Concat([]byte("first"), a), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Seek(5, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	list, _, err := all(t, f, streamOnly(b), Options{})
	if err != nil || len(list) != 2 || list[0].ContentOffset != 77_777 {
		t.Errorf("%q, %v", briefs(list), err)
	}

	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	go func() {
		defer w.Close()
		fmt.Fprintf(w, "%s", a)
	}()
	list, _, err = all(t, r, bytes.NewReader(b), Options{})
	if err != nil || len(list) != 2 || list[0].Field != "sha256" {
		t.Errorf("a pipe: %q, %v", briefs(list), err)
	}
}
