package tarsplit

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

func openPlain(tb testing.TB, in io.Reader, opts Options) *Reader {
	tb.Helper()
	r, err := NewPlainReader(in, opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = r.Close() })
	return r
}

func TestPlain(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, plainPiece - 1, plainPiece, plainPiece + 1, 3*plainPiece + 12345} {
		want := make([]byte, n)
		_, _ = rand.NewChaCha8([32]byte{}).Read(want) // never fails
		sources(t, "plain", string(want), func() *Reader {
			return openPlain(t, bytes.NewReader(want), Options{SizeKnown: true, Size: int64(n)})
		})
		sources(t, "half reads, with errors", string(want), func() *Reader {
			return openPlain(t, iotest.DataErrReader(iotest.HalfReader(bytes.NewReader(want))), Options{CheckCRC: true})
		})
	}
}

func TestBadPlain(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	text := bytes.Repeat([]byte("x"), plainPiece+10)
	in := func(r ...io.Reader) io.Reader {
		return io.MultiReader(append([]io.Reader{bytes.NewReader(text)}, r...)...)
	}
	for name, test := range map[string]struct {
		in   io.Reader
		opts Options
		want error
		most int
	}{
		"longer":        {in(), Options{SizeKnown: true, Size: plainPiece + 9}, ErrSize, plainPiece + 9},
		"much longer":   {in(), Options{SizeKnown: true, Size: 5}, ErrSize, 5},
		"not empty":     {in(), Options{SizeKnown: true}, ErrSize, 0},
		"shorter":       {in(), Options{SizeKnown: true, Size: plainPiece + 11}, ErrSize, len(text)},
		"broken":        {in(iotest.ErrReader(broken)), Options{}, broken, len(text)},
		"truncated":     {in(iotest.ErrReader(io.ErrUnexpectedEOF)), Options{}, io.ErrUnexpectedEOF, len(text)},
		"a kind of end": {in(iotest.ErrReader(errors.Join(broken, io.EOF))), Options{}, io.ErrUnexpectedEOF, len(text)},
		"idle":          {idle{}, Options{}, io.ErrNoProgress, 0},
	} {
		r := openPlain(t, test.in, test.opts)
		got, err := io.ReadAll(r)
		if !errors.Is(err, test.want) || len(got) > test.most || !bytes.HasPrefix(text, got) {
			t.Errorf("%s: %d bytes, %v, want at most %d, %v", name, len(got), err, test.most, test.want)
		}
		if _, again := r.Next(); !errors.Is(again, test.want) || r.Offset() != int64(len(got)) {
			t.Errorf("%s: again %v, at %d", name, again, r.Offset())
		}
	}
	if _, err := NewPlainReader(in(), Options{SizeKnown: true, Size: -1}); err == nil {
		t.Error("a negative size")
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

func TestPlainIsClosedAndUnchecked(t *testing.T) {
	t.Parallel()
	c := &closing{Reader: bytes.NewReader([]byte("abc"))}
	r := openPlain(t, c, Options{CheckCRC: true})
	if r.Unchecked() != 0 {
		t.Error("unchecked before a byte was read")
	}
	if _, err := r.WriteTo(io.Discard); err != nil || r.Unchecked() != 1 {
		t.Error(err, r.Unchecked())
	}
	if err := errors.Join(r.Close(), r.Close()); err != nil || c.n != 1 {
		t.Errorf("closed %d times, %v", c.n, err)
	}
}

type closing struct {
	io.Reader
	n int
}

func (c *closing) Close() error { c.n++; return nil }
