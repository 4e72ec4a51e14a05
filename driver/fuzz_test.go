package driver_test

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/toc"
)

// FuzzComposefs: a table is refused, or gives a tree in which all that is listed is
// there, each directory once, and no call panics. Without links it is the tree that
// the names make; links lead where a walk by hand leads; and memory is in proportion
// to the table and what it implies.
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
		{file("a", "x"), fifo("a")},
		{file("a/b", "x"), fifo("a")},
		{file("a/b/x", "x"), link("a/b/up", ".."), link("a/b/far", "../../c/./d"), dir("c/d"), file("c/d/y", "x"), link("abs", "/a/b/up/b"), link("root", "/..")},
		{link("1", "2"), link("2", "3/."), link("3", "4//"), file("4/x", "x"), file("1/y", "x"), hard("5", "1"), link("loop", "loop/x")},
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
		if want, whole, ok := plainTree(text); ok && (!whole || !slices.Equal(names, want)) {
			t.Errorf("names %q, want %q; accepted, and should be: %v", names, want, whole)
		}
		for n := 0; n < len(names); n += 1 + len(names)/100 {
			follow(t, l, names[n])
		}
	})
}

// follow compares what the lookup of a name below a link finds with what is found
// where the link leads, walking by hand.
func follow(t *testing.T, l *driver.Composefs, link string) {
	if n, err := l.Lstat(link); err != nil || n.Mode.Type() != fs.ModeSymlink {
		return
	}
	var at []string // without links
	rest := strings.Split(link, "/")
	for links := 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			at = at[:max(len(at)-1, 0)]
			continue
		}
		n, err := l.Lstat(strings.Join(at, "/") + "/" + part)
		if links++; err != nil || links > 40 && n.Mode.Type() == fs.ModeSymlink || len(rest) > 1000 {
			return // leads nowhere
		}
		if n.Mode.Type() != fs.ModeSymlink {
			links--
			at = append(at, part)
			continue
		}
		if n.Link[0] == '/' {
			at = nil
		}
		rest = append(strings.Split(n.Link, "/"), rest...)
	}
	home := strings.Join(at, "/")
	list, err := l.ReadDir(home)
	if err != nil {
		return // not a directory
	}
	for _, e := range list[:min(len(list), 3)] {
		want, err1 := l.Lstat(home + "/" + e.Name)
		got, err2 := l.Lstat(link + "/" + e.Name)
		if len(link+home+e.Name) < 4000 && (err1 != nil || err2 != nil || !reflect.DeepEqual(got, want)) {
			t.Errorf("%q leads to %q: there %q is %+v, %v; through the link %+v, %v", link, home, e.Name, want, err1, got, err2)
		}
	}
	if _, err := l.Lstat(link + "/no such"); len(link) < 4000 && !errors.Is(err, fs.ErrNotExist) && !slices.ContainsFunc(list, func(e driver.DirEntry) bool { return e.Name == "no such" }) {
		t.Errorf("below %q: %v", link, err)
	}
}

// plainTree lists the names that a table without links makes, directories before
// what they hold and otherwise sorted. The tree is not whole if a name is two
// things, or is no directory and has names below; ok is false for other tables.
func plainTree(text string) (names []string, whole, ok bool) {
	have := make(map[string]*toc.Entry) // nil if implied
	dir := func(name string) bool { return have[name] == nil || have[name].Type == toc.TypeDir }
	whole = true
	for e, err := range toc.Decode(strings.NewReader(text), toc.DecodeOptions{}) {
		switch {
		case err != nil || toc.IsLandmark(e) || e.Type == toc.TypeSymlink || e.Type == toc.TypeHardlink:
			return nil, false, false
		case e.Type == toc.TypeChunk:
			continue
		}
		name := path.Join("/", e.Name)
		if other, known := have[name]; known && (e.Type != toc.TypeDir || !dir(name)) {
			whole = whole && other != nil && other.Type == e.Type && other.Mode&0o7777 == e.Mode&0o7777 && other.UID == e.UID
		}
		whole = whole && (name != "/" || e.Type == toc.TypeDir)
		for have[name] = e; name != "/"; {
			name = path.Dir(name)
			if whole = whole && dir(name); have[name] == nil {
				have[name] = nil
			}
		}
	}
	delete(have, "/")
	byParts := strings.NewReplacer("/", "\x00") // which no name holds
	return slices.SortedFunc(maps.Keys(have), func(a, b string) int {
		return strings.Compare(byParts.Replace(a), byParts.Replace(b))
	}), whole, true
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
