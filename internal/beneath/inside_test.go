package beneath

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestInside(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	a, b := filepath.Join(base, "a"), filepath.Join(base, "b")
	deep := filepath.Join(a, "deep/er")
	for _, dir := range []string{deep, b} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(b, "link")
	if err := os.Symlink(deep, link); err != nil {
		t.Fatal(err)
	}
	var roots []*Dir
	for _, dir := range []string{filepath.Join(a, "deep"), a} {
		d, err := Open(dir, InRoot)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		roots = append(roots, d)
	}
	for dir, want := range map[string]int{a: 1, deep: 0, link: 0, link + "/../..": 1, b: -1, base: -1, "/": -1} {
		if got, err := Inside(dir, roots); got != want || err != nil {
			t.Errorf("%s: %d, %v, want %d", dir, got, err, want)
		}
	}
	for _, dir := range []string{filepath.Join(base, "not there"), ""} {
		if _, err := Inside(dir, roots); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v", dir, err)
		}
	}
	if err := roots[0].Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Inside(b, roots); !errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
}
