package driver_test

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/toc"
)

// FuzzComposefs: a table is refused, or gives a tree in which all that is listed is
// there, each directory once, and no call panics. Without links it is the tree that
// the names make, and memory is in proportion to the table and what it implies.
func FuzzComposefs(f *testing.F) {
	for _, entries := range [][]string{
		nil,
		{file("a", "x"), hard("b", "a"), dir("d"), link("d/l", "../a")},
		{hard("a", "b"), hard("b", "c"), fifo("c")},
		{link("l", "l"), file("l/a", "x")},
		{link("l", "../.."), file("l/a/b/c", "x"), dir("a/b/")},
		{dir("d"), hard("a", "d")},
		{file("d/.wh..wh..opq", ""), file(".wh.a", ""), dir("./")},
		{file("/d/e/../f", "x"), dir("d"), dir("./d/f/"), fifo("d/g")},
		{dir("a"), fifo("a")},
		{fifo("a"), fifo("a"), fifo("a/b")},
		{dir(strings.Repeat("d/", 300)), file(strings.Repeat("e/", 300)+"x", "x")},
		{file(".prefetch.landmark", "\x0f"), file("stargz.index.json", "x")},
		{`{"type":"char","name":"a","devMajor":-1}`},
		{`{"type":"reg","name":"a","digest":"sha256:00"}`},
		{`{"type":"reg","name":"a"}`, `{"type":"chunk"}`, `{"type":"symlink","name":"l"}`, `{"type":"dir","name":"a\u0000"}`},
	} {
		f.Add(table(entries...))
	}
	d := openDir(f, flatDir(f, "x"))
	f.Fuzz(func(t *testing.T, text string) {
		var l *driver.Composefs
		var err error
		used := allocated(func() { l, err = driver.OpenComposefs(d, strings.NewReader(text)) })
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				t.Errorf("damage taken for absence: %v", err)
			}
			return
		}
		defer l.Close()
		var names []string
		if left := walk(t, l, "", 4*len(text)+16, &names); left < 0 {
			t.Errorf("a table of %d bytes has too many names", len(text))
		}
		if used > 1024*uint64(len(text)+len(names))+1<<16 {
			t.Errorf("%d bytes for a table of %d and %d names", used, len(text), len(names))
		}
		if want, ok := plainTree(text); ok && !slices.Equal(names, want) {
			t.Errorf("names %q, want %q", names, want)
		}
	})
}

// plainTree lists the names that a table without links makes, directories before
// what they hold and otherwise sorted; ok is false for others.
func plainTree(text string) (names []string, ok bool) {
	have := make(map[string]bool)
	for e, err := range toc.Decode(strings.NewReader(text), toc.DecodeOptions{}) {
		switch {
		case err != nil || toc.IsLandmark(e) || e.Type == toc.TypeSymlink || e.Type == toc.TypeHardlink:
			return nil, false
		case e.Type == toc.TypeChunk:
			continue
		}
		for name := path.Join("/", e.Name); name != "/"; name = path.Dir(name) {
			have[name] = true
		}
	}
	byParts := strings.NewReplacer("/", "\x00") // which no name holds
	return slices.SortedFunc(maps.Keys(have), func(a, b string) int {
		return strings.Compare(byParts.Replace(a), byParts.Replace(b))
	}), true
}

// walk visits all of a layer, of at most left names, and collects them.
func walk(t *testing.T, l *driver.Composefs, at string, left int, names *[]string) int {
	list, err := l.ReadDir(at)
	if err != nil && len(at) < 4095 {
		t.Errorf("ReadDir(%q): %v", at, err)
	}
	for i, e := range list {
		if left--; left < 0 {
			return left
		}
		if i > 0 && list[i-1].Name >= e.Name || e.Name == "" || e.Name == "." || e.Name == ".." || strings.ContainsAny(e.Name, "/\x00") {
			t.Errorf("list %v", list)
		}
		name := at + "/" + e.Name
		*names = append(*names, name)
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
			left = walk(t, l, name, left, names)
		}
	}
	return left
}

// allocated is how many bytes do takes from the heap, whether or not it keeps them.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
