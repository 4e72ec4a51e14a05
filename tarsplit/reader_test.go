package tarsplit

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
)

func TestReaderGivesTheTar(t *testing.T) {
	t.Parallel()
	want, recipe, files := sample(t)
	opts := Options{Size: int64(len(want)), SizeKnown: true, CheckCRC: true}
	t.Run("Read", func(t *testing.T) {
		t.Parallel()
		if err := iotest.TestReader(struct{ io.Reader }{open(t, recipe, files, opts)}, want); err != nil {
			t.Error(err)
		}
	})
	t.Run("ReadOneByte", func(t *testing.T) {
		t.Parallel()
		got, err := io.ReadAll(iotest.OneByteReader(open(t, recipe, files, opts)))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes of %d, %v", len(got), len(want), err)
		}
	})
	t.Run("WriteTo", func(t *testing.T) {
		t.Parallel()
		var b bytes.Buffer
		r := open(t, recipe, files, opts)
		n, err := r.WriteTo(&b)
		if err != nil || n != int64(len(want)) || !bytes.Equal(b.Bytes(), want) || r.Offset() != n {
			t.Errorf("%d bytes of %d, %v", n, len(want), err)
		}
	})
	t.Run("Next", func(t *testing.T) {
		t.Parallel()
		var b bytes.Buffer
		var names []string
		for r := open(t, recipe, files, opts); ; {
			item, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			b.Write(item.Bytes)
			if item.File != nil {
				names = append(names, item.Name)
				n, err := io.Copy(&b, item.File)
				if err != nil || n != item.Size {
					t.Errorf("%q: %d bytes of %d, %v", item.Name, n, item.Size, err)
				}
				_ = item.File.Close()
			}
		}
		if !bytes.Equal(b.Bytes(), want) {
			t.Errorf("%d bytes of %d", b.Len(), len(want))
		}
		if len(names) != 6 || names[4] != "latin1-\xe9" {
			t.Errorf("%q", names)
		}
	})
	t.Run("several gzip members", func(t *testing.T) {
		t.Parallel()
		recipe := append(zip(t, segment("ab"), file("etc/hostname", "box\n")), zip(t, segment("cd"))...)
		got, err := io.ReadAll(open(t, recipe, files, Options{}))
		if err != nil || string(got) != "abbox\ncd" {
			t.Errorf("%q %v", got, err)
		}
	})
}

func TestNextAfterRead(t *testing.T) {
	t.Parallel()
	files := folder(t, map[string]string{"f": "content"})
	r := open(t, zip(t, segment("abcd"), file("f", "content")), files, Options{})
	var two [2]byte
	if _, err := io.ReadFull(r, two[:]); err != nil {
		t.Fatal(err)
	}
	if item, err := r.Next(); err != nil || string(item.Bytes) != "cd" {
		t.Errorf("rest of the segment: %q, %v", item.Bytes, err)
	}
	if _, err := io.ReadFull(r, two[:]); err != nil {
		t.Fatal(err)
	}
	item, err := r.Next()
	if err != nil || item.Name != "f" || item.Offset != 2 || item.Size != 5 {
		t.Fatalf("rest of the file: %+v, %v", item, err)
	}
	defer item.File.Close()
	if rest, err := io.ReadAll(item.File); err != nil || string(rest) != "ntent" {
		t.Errorf("rest of the file: %q, %v", rest, err)
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) || r.Offset() != 11 {
		t.Errorf("at the end: %v at %d", err, r.Offset())
	}
}

// TestBadFiles: what lies where the recipe expects a file of 7 bytes.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	recipe := zip(t, segment("ab"), file("f", "content"), segment("cd"))
	for name, test := range map[string]struct {
		make func(t *testing.T, path string)
		want error
	}{
		"missing":   {func(*testing.T, string) {}, ErrMissing},
		"short":     {write("cont"), ErrSize},
		"long":      {write("content!"), ErrSize},
		"empty":     {write(""), ErrSize},
		"changed":   {write("CONTENT"), ErrCRC},
		"directory": {func(t *testing.T, path string) { check(t, os.Mkdir(path, 0o755)) }, nil},
		"socket":    {func(t *testing.T, path string) { check(t, syscall.Mknod(path, syscall.S_IFSOCK|0o600, 0)) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := folder(t, nil)
			test.make(t, filepath.Join(string(files), "f"))
			r := open(t, recipe, files, Options{CheckCRC: true})
			var b bytes.Buffer
			_, err := r.WriteTo(&b)
			var entry *EntryError
			if !errors.As(err, &entry) || entry.Name != "f" || (test.want != nil && !errors.Is(err, test.want)) {
				t.Errorf("error %v, want %v", err, test.want)
			}
			if _, again := r.Read(make([]byte, 1)); !errors.Is(again, err) {
				t.Errorf("not sticky: %v, then %v", err, again)
			}
			if strings.Contains(b.String(), "cd") {
				t.Error("went on after the error")
			}
		})
	}
}

func TestFileShrinksWhileRead(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("x", 100_000)
	files := folder(t, map[string]string{"f": content})
	r := open(t, zip(t, file("f", content)), files, Options{})
	if _, err := io.ReadFull(r, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	check(t, os.Truncate(filepath.Join(string(files), "f"), 2000))
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, ErrSize) {
		t.Errorf("%v", err)
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	files := folder(t, map[string]string{"f": "content"})
	r := open(t, zip(t, file("f", "content")), files, Options{})
	if _, err := r.Read(make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := r.Close(); err != nil { // twice is fine
		t.Error(err)
	}
	if _, err := r.Read(make([]byte, 2)); !errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
	if _, err := r.Next(); !errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
}

func TestWriteToReportsTheWriter(t *testing.T) {
	t.Parallel()
	_, recipe, files := sample(t)
	want := errors.New("full")
	if _, err := open(t, recipe, files, Options{}).WriteTo(refusing{want}); !errors.Is(err, want) {
		t.Error(err)
	}
}

type refusing struct{ err error }

func (w refusing) Write([]byte) (int, error) { return 0, w.err }

func write(content string) func(*testing.T, string) {
	return func(t *testing.T, path string) { check(t, os.WriteFile(path, []byte(content), 0o644)) }
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
