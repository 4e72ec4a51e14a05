package tarsplit

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReaderAtBadFiles: what lies where the recipe expects a file of 7 bytes, beside
// a good one.
func TestReaderAtBadFiles(t *testing.T) {
	t.Parallel()
	recipe := zip(t, segment("ab"), file("f", "content"), segment("cd"), file("good", "fine"))
	for name, test := range map[string]struct {
		make func(t *testing.T, path string)
		want error
	}{
		"missing":   {func(*testing.T, string) {}, ErrMissing},
		"short":     {write("cont"), ErrSize},
		"long":      {write("content!"), ErrSize},
		"directory": {func(t *testing.T, path string) { check(t, os.Mkdir(path, 0o755)) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := folder(t, map[string]string{"good": "fine"})
			path := filepath.Join(string(files), "f")
			test.make(t, path)
			r := openAt(t, recipe, files, Options{})
			for what, n := range map[string]int{"all of it": 11, "a piece": 5} {
				p := make([]byte, n)
				k, err := r.ReadAt(p, 0)
				var entry *EntryError
				if !errors.As(err, &entry) || entry.Name != "f" || (test.want != nil && !errors.Is(err, test.want)) {
					t.Errorf("%s: error %v, want %v", what, err, test.want)
				}
				if string(p[:k]) != "ab" {
					t.Errorf("%s: %q in front of the damage", what, p[:k])
				}
			}
			rest := make([]byte, 6)
			if _, err := r.ReadAt(rest, 9); err != nil || string(rest) != "cdfine" {
				t.Errorf("behind the damage: %q, %v", rest, err)
			}
			check(t, os.RemoveAll(path))
			write("content")(t, path)
			if _, err := r.ReadAt(rest, 1); err != nil || string(rest) != "bconte" {
				t.Errorf("after repair: %q, %v", rest, err)
			}
		})
	}
}

func TestReaderAtFileShrinks(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("x", 100_000)
	files := &counter{dir: folder(t, map[string]string{"f": content})}
	path := filepath.Join(string(files.dir), "f")
	r := openAt(t, zip(t, segment("ab"), file("f", content)), files, Options{})
	p := make([]byte, 1000)
	if _, err := r.ReadAt(p, 2); err != nil {
		t.Fatal(err)
	}
	check(t, os.Truncate(path, 2500))
	n, err := r.ReadAt(p, 2002)
	var entry *EntryError
	if n != 500 || !errors.Is(err, ErrSize) || !errors.As(err, &entry) || entry.Name != "f" {
		t.Errorf("%d bytes, %v", n, err)
	}
	check(t, os.Remove(path)) // another file: the damaged one must not be kept
	write(content)(t, path)
	if n, err := r.ReadAt(p, 2002); n != 1000 || err != nil {
		t.Errorf("after repair: %d bytes, %v", n, err)
	}
	if n := files.open(); n != 1 {
		t.Errorf("%d files are open", n)
	}
}

type closer struct {
	io.Reader
	closed int
}

func (c *closer) Close() error { c.closed++; return nil }

func TestReaderAtClose(t *testing.T) {
	t.Parallel()
	files := folder(t, map[string]string{"f": "content"})
	gz := &closer{Reader: bytes.NewReader(zip(t, file("f", "content")))}
	r, err := NewReaderAt(gz, files, Options{})
	check(t, err)
	if _, err := r.ReadAt(make([]byte, 2), 0); err != nil || gz.closed != 0 {
		t.Fatal(err, gz.closed)
	}
	check(t, r.Close())
	check(t, r.Close()) // twice is fine
	if gz.closed != 1 {
		t.Errorf("the recipe was closed %d times", gz.closed)
	}
	for _, n := range []int{0, 2, 100} {
		if _, err := r.ReadAt(make([]byte, n), 0); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	bad := &closer{Reader: strings.NewReader("no recipe")}
	if _, err := NewReaderAt(bad, files, Options{}); err == nil || bad.closed != 0 {
		t.Errorf("a bad recipe: %v, closed %d times", err, bad.closed)
	}
}
