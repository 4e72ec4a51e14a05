package decompress_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/cstor-go/cstor/internal/decompress"
)

func gz(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, text)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zst(t *testing.T, text string, opts ...zstd.EOption) string {
	t.Helper()
	enc, err := zstd.NewWriter(nil, append(opts, zstd.WithEncoderConcurrency(1))...)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	return string(enc.EncodeAll([]byte(text), nil))
}

func TestNewReader(t *testing.T) {
	t.Parallel()
	const skippable = "\x5a\x2a\x4d\x18\x03\x00\x00\x00abc"
	bz, err := hex.DecodeString("425a6839314159265359c1c080e2000001410000100244a00030cd00c3462997177245385090c1c080e2")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ in, compression, out string }{
		"nothing":               {"", "none", ""},
		"a byte":                {"B", "none", "B"},
		"a tar's name":          {"BZhello and more", "none", "BZhello and more"},
		"plain":                 {"hello", "none", "hello"},
		"gzip":                  {gz(t, "hello"), "gzip", "hello"},
		"gzip, two members":     {gz(t, "hel") + gz(t, "lo"), "gzip", "hello"},
		"zstd":                  {zst(t, "hello"), "zstd", "hello"},
		"zstd, two frames":      {zst(t, "hel") + skippable + zst(t, "lo") + skippable, "zstd", "hello"},
		"bzip2":                 {string(bz), "bzip2", "hello\n"},
		"zstd, skippable first": {skippable + zst(t, "hello"), "zstd", "hello"},
	} {
		plain, compression, err := decompress.NewReader(iotest.OneByteReader(strings.NewReader(test.in)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		out, err := io.ReadAll(plain)
		if err != nil || compression != test.compression || string(out) != test.out {
			t.Errorf("%s: %q %q, %v", name, compression, out, err)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	_, compression, err := decompress.NewReader(strings.NewReader("\xfd7zXZ\x00\x00\x00"))
	if compression != "xz" || !errors.Is(err, decompress.ErrUnsupported) {
		t.Errorf("xz: %q, %v", compression, err)
	}
	want := errors.New("broken disk")
	if _, _, err := decompress.NewReader(iotest.ErrReader(want)); !errors.Is(err, want) {
		t.Errorf("the reader's error: %v", err)
	}
	for name, in := range map[string]string{
		"gzip, cut":   gz(t, "hello")[:20],
		"gzip, bad":   "\x1f\x8b\x08\xff",
		"zstd, cut":   zst(t, "hello")[:12],
		"zstd, huge":  "\x28\xb5\x2f\xfd\x00\xf8\x01\x00\x00", // a window of 2 TiB
		"bzip2, junk": "BZh91AY&SYjunk",
	} {
		plain, _, err := decompress.NewReader(strings.NewReader(in))
		if err == nil {
			_, err = io.ReadAll(plain)
		}
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
