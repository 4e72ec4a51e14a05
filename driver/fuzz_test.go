package driver_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/cstor-go/cstor/driver"
)

// FuzzComposefs: a table is refused, or gives a tree in which all that is listed is
// there, each directory once, and no call panics.
func FuzzComposefs(f *testing.F) {
	for _, entries := range [][]string{
		nil,
		{file("a", "x"), hard("b", "a"), dir("d"), link("d/l", "../a")},
		{hard("a", "b"), hard("b", "c"), fifo("c")},
		{link("l", "l"), file("l/a", "x")},
		{link("l", "../.."), file("l/a/b/c", "x"), dir("a/b/")},
		{dir("d"), hard("a", "d")},
		{file("d/.wh..wh..opq", ""), file(".wh.a", ""), dir("./")},
		{`{"type":"char","name":"a","devMajor":-1}`},
		{`{"type":"reg","name":"a","digest":"sha256:00"}`},
	} {
		f.Add(table(entries...))
	}
	d := openDir(f, flatDir(f, "x"))
	f.Fuzz(func(t *testing.T, text string) {
		l, err := driver.OpenComposefs(d, strings.NewReader(text))
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				t.Errorf("damage taken for absence: %v", err)
			}
			return
		}
		defer l.Close()
		if left := walk(t, l, "", 4*len(text)+16); left < 0 {
			t.Errorf("a table of %d bytes has too many names", len(text))
		}
	})
}

// walk visits all of a layer, of at most left names.
func walk(t *testing.T, l *driver.Composefs, at string, left int) int {
	list, err := l.ReadDir(at)
	if err != nil && len(at) < 4095 {
		t.Errorf("ReadDir(%q): %v", at, err)
	}
	for i, e := range list {
		if left--; left < 0 {
			return left
		}
		if i > 0 && list[i-1].Name >= e.Name || e.Name == "" || e.Name == "." || e.Name == ".." || strings.ContainsAny(e.Name, "/\x00") {
			t.Errorf("list %q", list)
		}
		name := at + "/" + e.Name
		n, err := l.Lstat(name)
		if len(name) > 4096 {
			continue
		}
		if err != nil || n.Mode.Type() != e.Type || n.Size < 0 || n.UID < 0 || n.GID < 0 {
			t.Errorf("Lstat(%q): %+v, %v", name, n, err)
			continue
		}
		if file, err := l.OpenFile(name); err == nil {
			_ = file.Close()
		} else if n.Mode.IsRegular() && !errors.Is(err, driver.ErrObject) {
			t.Errorf("OpenFile(%q): %v", name, err)
		}
		if e.Type.IsDir() {
			left = walk(t, l, name, left)
		}
	}
	return left
}
