package tarsplit

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// everyWay reads a tar by Read, WriteTo and Next.
func everyWay(recipe []byte, files Opener, opts Options, got func(way, tar string, err error)) {
	for way, read := range map[string]func(*Reader, *bytes.Buffer) error{
		"Read":    func(r *Reader, b *bytes.Buffer) error { _, err := b.ReadFrom(struct{ io.Reader }{r}); return err },
		"WriteTo": func(r *Reader, b *bytes.Buffer) error { _, err := r.WriteTo(b); return err },
		"Next": func(r *Reader, b *bytes.Buffer) error {
			item, err := r.Next()
			for ; err == nil; item, err = r.Next() {
				if b.Write(item.Bytes); item.File != nil {
					_, _ = b.ReadFrom(item.File)
					_ = item.File.Close()
				}
			}
			if err == io.EOF { //nolint:errorlint // exactly io.EOF is the contract
				return nil
			}
			return err
		},
	} {
		var b bytes.Buffer
		r, err := NewReader(bytes.NewReader(recipe), files, opts)
		if err == nil {
			err = read(r, &b)
			_ = r.Close()
		}
		got(way, b.String(), err)
	}
}

// meddler changes a file when it has just been opened.
type meddler struct {
	Opener
	change func() error
}

func (m meddler) OpenFile(name string) (*os.File, error) {
	f, err := m.Opener.OpenFile(name)
	return f, errors.Join(err, m.change())
}

// TestFilesThatChange: a file is changed when it is open, or when half of it is read.
func TestFilesThatChange(t *testing.T) {
	t.Parallel()
	const size = 300_000
	content := strings.Repeat("content!", size/8)
	whole, recipe := "ab"+content+"cd", zip(t, segment("ab"), file("f", content), segment("cd"))
	for name, test := range map[string]struct {
		change     func(path string) error
		open, half error // nil: the tar as it was
	}{
		"shortened":   {func(p string) error { return os.Truncate(p, 7) }, ErrSize, ErrSize},
		"lengthened":  {func(p string) error { return os.Truncate(p, 1<<20) }, ErrSize, nil},
		"removed":     {os.Remove, nil, nil},
		"replaced":    {func(p string) error { return errors.Join(os.Remove(p), os.WriteFile(p, []byte("other"), 0o644)) }, nil, nil},
		"a FIFO now":  {func(p string) error { return errors.Join(os.Remove(p), syscall.Mkfifo(p, 0o644)) }, nil, nil},
		"overwritten": {func(p string) error { return errors.Join(os.Truncate(p, 0), os.Truncate(p, size)) }, ErrCRC, ErrCRC},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := folder(t, map[string]string{"f": content})
			path := filepath.Join(string(files), "f")
			everyWay(recipe, meddler{files, func() error { return test.change(path) }}, Options{CheckCRC: true}, func(way, tar string, err error) {
				switch {
				case way == "Next" && errors.Is(test.open, ErrCRC): // documented: it checks none
				case !errors.Is(err, test.open) || (err == nil) != (tar == whole):
					t.Errorf("open, %s: %d bytes, error %v, want %v", way, len(tar), err, test.open)
				}
				check(t, os.RemoveAll(path))
				write(content)(t, path)
			})
			r := open(t, recipe, files, Options{CheckCRC: true})
			var got bytes.Buffer
			_, err := io.CopyN(&got, r, size/2)
			check(t, err)
			check(t, test.change(path))
			if _, err = got.ReadFrom(struct{ io.Reader }{r}); !errors.Is(err, test.half) || (err == nil) != (got.String() == whole) {
				t.Errorf("half: %d bytes, error %v, want %v", got.Len(), err, test.half)
			}
		})
	}
}

// TestDamagedGzip: a recipe with a byte changed never gives another tar, one that
// breaks off gives none; where gzip cannot tell, between two members, the size can.
func TestDamagedGzip(t *testing.T) {
	t.Parallel()
	files := folder(t, map[string]string{"f": "content"})
	want, first := "abcontentcd", zip(t, segment("ab"), file("f", "content"))
	recipe := append(bytes.Clone(first), zip(t, segment("cd"))...)
	for i := range recipe {
		everyWay(recipe[:i], files, Options{Size: int64(len(want)), SizeKnown: true}, func(way, tar string, err error) {
			var bad *FormatError
			if !errors.As(err, &bad) || errors.Is(err, ErrSize) != (i == len(first)) || !strings.HasPrefix(want, tar) {
				t.Errorf("cut at %d, %s: %q, %v", i, way, tar, err)
			}
		})
		damaged := bytes.Clone(recipe)
		damaged[i] ^= 0x81
		everyWay(damaged, files, Options{}, func(way, tar string, err error) {
			if err == nil && tar != want {
				t.Errorf("byte %d, %s: %q", i, way, tar)
			}
		})
	}
}

// TestGiB: a GiB in one line is refused by a small part of it.
func TestGiB(t *testing.T) { // not parallel: counts allocations
	mib := bomb(t, "", "A", 1<<20)
	for _, start := range []string{`{"type":2,"payload":"`, `{"type":1,"name_raw":"`, `{"type":1,"x":"`, `{"`, ``} {
		in := &io.LimitedReader{R: io.MultiReader(bytes.NewReader(bomb(t, start, "A", 0)), bytes.NewReader(bytes.Repeat(mib, 1<<10))), N: 1 << 40}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, err := NewReader(in, dir(""), Options{MaxSegment: 1 << 20})
		check(t, err)
		if n, err := r.WriteTo(io.Discard); n != 0 || !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %d bytes, %v", start, n, err)
		}
		runtime.ReadMemStats(&after)
		if got, read := after.TotalAlloc-before.TotalAlloc, 1<<40-in.N; got > 32<<20 || read > int64(16*len(mib)) {
			t.Errorf("%s: %d MiB were allocated, %d bytes of the gzip were read", start, got>>20, read)
		}
	}
}

// TestLyingSizes: a size opens nothing that the tar has no room for.
func TestLyingSizes(t *testing.T) {
	t.Parallel()
	files := folder(t, map[string]string{"f": "content"})
	sized := func(name string, size int64) string { return fmt.Sprintf(`{"type":1,"name":%q,"size":%d}`, name, size) }
	var head bytes.Buffer
	check(t, tar.NewWriter(&head).WriteHeader(&tar.Header{Name: "d/", Typeflag: tar.TypeDir}))
	for name, test := range map[string]struct {
		lines []string
		opts  Options
		tar   string
		want  error
		opens int32
	}{
		"of a file":              {[]string{sized("f", math.MaxInt64)}, Options{}, "", ErrSize, 1},
		"more than the tar":      {[]string{sized("f", math.MaxInt64)}, Options{Size: 7, SizeKnown: true}, "", ErrSize, 0},
		"as much as the tar":     {[]string{sized("f", 1<<62)}, Options{Size: 1 << 62, SizeKnown: true}, "", ErrSize, 1},
		"overflow":               {[]string{segment("ab"), sized("f", math.MaxInt64)}, Options{Size: math.MaxInt64, SizeKnown: true}, "ab", ErrSize, 0},
		"of what has no content": {[]string{segment(head.String()), sized("d/", math.MaxInt64), sized("d/", math.MaxInt64)}, Options{}, head.String(), nil, 0},
		"the same file twice":    {[]string{sized("f", 7), sized("f", 7)}, Options{}, "contentcontent", nil, 2},
		"no room for the second": {[]string{sized("f", 7), sized("f", 7)}, Options{Size: 7, SizeKnown: true}, "content", ErrSize, 1},
	} {
		var opened atomic.Int32
		everyWay(zip(t, test.lines...), meddler{files, func() error { opened.Add(1); return nil }}, test.opts, func(way, tar string, err error) {
			if n := opened.Swap(0); n > test.opens || tar != test.tar || !errors.Is(err, test.want) {
				t.Errorf("%s, %s: %d files opened, %q, error %v, want %v", name, way, n, tar, err, test.want)
			}
		})
	}
}
