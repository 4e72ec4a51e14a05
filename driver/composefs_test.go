package driver_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/toc"
)

// flatDir makes a layer's folder with these objects.
func flatDir(tb testing.TB, contents ...string) string {
	tb.Helper()
	dir := tb.TempDir()
	for _, c := range append(contents, "") {
		path := filepath.Join(dir, "diff", storetest.ObjectName([]byte(c)))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(c), 0o644)); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

func table(entries ...string) string {
	return `{"version":1,"entries":[` + strings.Join(entries, ",") + `]}`
}

// dir, link and so on write an entry of a table.
func dir(name string) string  { return fmt.Sprintf(`{"type":"dir","name":%q,"mode":493}`, name) }
func fifo(name string) string { return fmt.Sprintf(`{"type":"fifo","name":%q}`, name) }
func link(name, to string) string {
	return fmt.Sprintf(`{"type":"symlink","name":%q,"linkName":%q}`, name, to)
}

func hard(name, to string) string {
	return fmt.Sprintf(`{"type":"hardlink","name":%q,"linkName":%q}`, name, to)
}

func file(name, content string) string {
	return fmt.Sprintf(`{"type":"reg","name":%q,"size":%d,"digest":%q}`, name, len(content), storetest.Digest([]byte(content)))
}

var errAny = errors.New("any error")

// TestTables: what a table may say, and what is refused.
func TestTables(t *testing.T) {
	t.Parallel()
	nothing := storetest.Digest([]byte("no such object"))
	cases := []struct {
		name    string
		entries []string
		err     error             // of OpenComposefs; errAny for one of no class
		files   map[string]string // name, content
		types   map[string]fs.FileMode
	}{
		{name: "empty", types: map[string]fs.FileMode{"": fs.ModeDir}},
		{name: "file", entries: []string{file("a", "x")}, files: map[string]string{"a": "x"}},
		{name: "empty file without a digest", entries: []string{`{"type":"reg","name":"a"}`}, files: map[string]string{"a": ""}},
		{name: "chunks", entries: []string{`{"type":"reg","name":"a","size":1,"digest":"` + storetest.Digest([]byte("x")) + `"}`, `{"type":"chunk"}`, `{"type":"chunk","name":"b"}`}, files: map[string]string{"a": "x"}},
		{name: "implied directories", entries: []string{file("a/b/c", "x"), dir("a")}, files: map[string]string{"a/b/c": "x"}, types: map[string]fs.FileMode{"a/b": fs.ModeDir}},
		{name: "root by all its names", entries: []string{dir(""), dir("./"), dir("/"), dir("x/..")}, types: map[string]fs.FileMode{"": fs.ModeDir}},
		{name: "the same twice", entries: []string{file("a", "x"), file("./a", "x")}, files: map[string]string{"a": "x"}},
		{name: "directory twice", entries: []string{dir("d"), file("d/a", "x"), dir("d/")}, files: map[string]string{"d/a": "x"}},
		{name: "through links", entries: []string{dir("real"), link("rel", "real"), link("abs", "/rel/."), file("abs/a", "x")}, files: map[string]string{"real/a": "x", "rel/a": "x"}},
		{name: "a link leads out", entries: []string{link("out", "../../.."), file("out/a", "x")}, files: map[string]string{"a": "x"}},
		{name: "a link leads to what is not there yet", entries: []string{link("l", "d/e"), file("l/a", "x")}, files: map[string]string{"d/e/a": "x"}},

		{name: "hard links", entries: []string{file("a", "x"), hard("b", "./a"), hard("c", "/b")}, files: map[string]string{"b": "x", "c": "x"}},
		{name: "hard links before the file", entries: []string{hard("c", "b"), hard("b", "d/a"), file("d/a", "x")}, files: map[string]string{"b": "x", "c": "x"}},
		{name: "hard link to a fifo", entries: []string{fifo("a"), hard("b", "a")}, types: map[string]fs.FileMode{"b": fs.ModeNamedPipe}},
		{name: "hard link to a link", entries: []string{hard("b", "a"), link("a", "d"), file("d/f", "x"), hard("c", "b")}, types: map[string]fs.FileMode{"b": fs.ModeSymlink, "c": fs.ModeSymlink}, files: map[string]string{"b/f": "x", "c/f": "x"}},
		{name: "hard link to itself, a file", entries: []string{file("a", "x"), hard("a", "a")}, files: map[string]string{"a": "x"}},
		{name: "hard link through a link", entries: []string{dir("d"), file("d/a", "x"), link("l", "d"), hard("b", "l/a")}, files: map[string]string{"b": "x"}},
		{name: "hard link to nothing", entries: []string{hard("a", "b")}, err: errAny},
		{name: "hard link to itself", entries: []string{hard("a", "a")}, err: syscall.ELOOP},
		{name: "hard links in a ring", entries: []string{hard("a", "b"), hard("b", "c"), hard("c", "a")}, err: syscall.ELOOP},
		{name: "hard link to a directory", entries: []string{dir("d"), hard("a", "d")}, err: errAny},
		{name: "hard link to a later directory", entries: []string{hard("a", "d"), dir("d")}, err: errAny},
		{name: "hard link to the root", entries: []string{hard("a", "/")}, err: errAny},
		{name: "hard link instead of a directory", entries: []string{dir("a"), dir("d"), hard("a", "d")}, err: errAny},
		{name: "hard link instead of the root", entries: []string{file("a", "x"), hard("", "a")}, err: errAny},
		{name: "hard link below a file", entries: []string{file("a", "x"), hard("b", "a/c")}, err: syscall.ENOTDIR},

		{name: "two files of a name", entries: []string{file("a", "x"), file("/a", "y")}, err: errAny},
		{name: "two links of a name", entries: []string{link("a", "b"), link("a", "c")}, err: errAny},
		{name: "file and directory", entries: []string{file("a", "x"), dir("a")}, err: errAny},
		{name: "directory and file", entries: []string{dir("a"), file("a", "x")}, err: errAny},
		{name: "link and directory", entries: []string{link("a", "b"), dir("a")}, err: errAny},
		{name: "implied directory and file", entries: []string{file("a/b", "x"), file("a", "x")}, err: errAny},
		{name: "the root is a file", entries: []string{file("./", "x")}, err: errAny},
		{name: "below a file", entries: []string{file("a", "x"), file("a/b", "x")}, err: syscall.ENOTDIR},
		{name: "below a fifo through a link", entries: []string{fifo("a"), link("l", "a"), file("l/b", "x")}, err: syscall.ENOTDIR},

		{name: "link to itself", entries: []string{link("l", "l"), file("a", "x")}, files: map[string]string{"a": "x"}, types: map[string]fs.FileMode{"l": fs.ModeSymlink}},
		{name: "through a link to itself", entries: []string{link("l", "l"), file("l/a", "x")}, err: syscall.ELOOP},
		{name: "through a ring of links", entries: []string{link("l", "m/x"), link("m", "./l"), file("l/a", "x")}, err: syscall.ELOOP},
		{name: "link to nothing", entries: []string{link("l", "")}, err: errAny},
		{name: "link with NUL", entries: []string{`{"type":"symlink","name":"l","linkName":"a\u0000"}`}, err: errAny},
		{name: "long link", entries: []string{link("l", strings.Repeat("x", 4096))}, err: syscall.ENAMETOOLONG},
		{name: "name with NUL", entries: []string{`{"type":"fifo","name":"a\u0000"}`}, err: fs.ErrInvalid},
		{name: "long name", entries: []string{fifo(strings.Repeat("x/", 2048))}, types: map[string]fs.FileMode{strings.Repeat("x/", 2047) + "x": fs.ModeNamedPipe}},
		{name: "too long a name", entries: []string{fifo(strings.Repeat("x/", 2048) + "x")}, err: syscall.ENAMETOOLONG},

		{name: "digest of no object", entries: []string{`{"type":"reg","name":"a","size":1,"digest":"` + nothing + `"}`}},
		{name: "short digest", entries: []string{`{"type":"reg","name":"a","digest":"sha256:a"}`}, err: driver.ErrObject},
		{name: "digest of dots", entries: []string{`{"type":"reg","name":"a","digest":"sha256:../../` + strings.Repeat("a", 58) + `"}`}, err: driver.ErrObject},
		{name: "upper-case digest", entries: []string{`{"type":"reg","name":"a","digest":"sha256:` + strings.Repeat("A", 64) + `"}`}, err: driver.ErrObject},
		{name: "digest of another kind", entries: []string{`{"type":"reg","name":"a","digest":"sha512:` + strings.Repeat("a", 128) + `"}`}, err: driver.ErrObject},
		{name: "no digest", entries: []string{`{"type":"reg","name":"a","size":1}`}, err: driver.ErrObject},

		{name: "negative size", entries: []string{`{"type":"reg","name":"a","size":-1}`}, err: errAny},
		{name: "negative owner", entries: []string{`{"type":"fifo","name":"a","uid":-1}`}, err: errAny},
		{name: "huge group", entries: []string{`{"type":"fifo","name":"a","gid":4294967296}`}, err: errAny},
		{name: "huge device", entries: []string{`{"type":"char","name":"a","devMajor":4294967296}`}, err: errAny},
		{name: "negative device", entries: []string{`{"type":"block","name":"a","devMinor":-1}`}, err: errAny},
		{name: "unknown type", entries: []string{`{"type":"door","name":"a"}`}, err: errAny},
		{name: "no type", entries: []string{`{"name":"a"}`}, err: errAny},

		{name: "landmark", entries: []string{file(".prefetch.landmark", "\x0f"), file("stargz.index.json", "?"), `{"type":"reg","name":".no.prefetch.landmark","size":1}`}, types: map[string]fs.FileMode{"": fs.ModeDir}},
		{name: "a file called so", entries: []string{file("stargz.index.json", "x")}, files: map[string]string{"stargz.index.json": "x"}},
		{name: "a directory called so", entries: []string{dir(".prefetch.landmark")}, types: map[string]fs.FileMode{".prefetch.landmark": fs.ModeDir}},
	}
	d := openDir(t, flatDir(t, "x", "y"))
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l, err := driver.OpenComposefs(d, strings.NewReader(table(c.entries...)))
			if c.err != nil {
				if err == nil || !errors.Is(c.err, errAny) && !errors.Is(err, c.err) || errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%v, want %v", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			for name, want := range c.files {
				if got, err := readFile(l, name); err != nil || got != want {
					t.Errorf("%q: %q, %v; want %q", name, got, err, want)
				}
			}
			for name, want := range c.types {
				if n, err := l.Lstat(name); err != nil || n.Mode.Type() != want {
					t.Errorf("%q: %+v, %v; want %v", name, n, err, want)
				}
			}
			checkWhole(t, l, "", c.types == nil && c.files == nil && c.entries != nil, 0)
		})
	}
}

// checkWhole walks a layer: all that is listed is there, of the type listed, and
// files have content unless damaged.
func checkWhole(t *testing.T, l layer, at string, damaged bool, depth int) {
	t.Helper()
	list, err := l.ReadDir(at)
	if err != nil {
		t.Errorf("ReadDir(%q): %v", at, err)
	}
	for _, e := range list {
		name := at + "/" + e.Name
		n, err := l.Lstat(name)
		if err != nil || n.Mode.Type() != e.Type {
			t.Errorf("%.80q is listed as %v: %+v, %v", name, e.Type, n, err)
			continue
		}
		if f, err := l.OpenFile(name); err == nil {
			_ = f.Close()
		} else if n.Mode.IsRegular() && (!damaged || !errors.Is(err, driver.ErrObject)) {
			t.Errorf("OpenFile(%.80q): %v", name, err)
		}
		if e.Type.IsDir() && depth < 5000 {
			checkWhole(t, l, name, damaged, depth+1)
		}
	}
}

func TestTableLimits(t *testing.T) {
	t.Parallel()
	d := openDir(t, flatDir(t))
	steps := []string{dir(strings.Repeat("a/", 2040))}
	for i := range 40 { // each leads through 2000 directories to the one before
		steps = append(steps, link(fmt.Sprintf("l%d", i), strings.Repeat("./", 2030)+map[bool]string{true: "a", false: fmt.Sprintf("l%d", i-1)}[i == 0]))
	}
	for i := range 3000 {
		steps = append(steps, fifo(fmt.Sprintf("l39/%d", i)))
	}
	var implied, chain []string
	for i := range 200 {
		implied = append(implied, fifo(fmt.Sprintf("%d/%s", i, strings.Repeat("a/", 2040))))
	}
	for i := range 1000 {
		chain = append(chain, hard(fmt.Sprint(i), fmt.Sprint(i+1)))
	}
	cases := []struct {
		name  string
		table string
		err   error
	}{
		{"implied directories", table(implied...), toc.ErrLimit},
		{"ways through links", table(steps...), toc.ErrLimit},
		{"a long chain the wrong way round", table(append(chain, file("1000", ""))...), syscall.ELOOP},
		{"not a table", "[]", errAny},
		{"cut off", table(fifo("a"))[:40], errAny},
	}
	for _, c := range cases {
		start := time.Now()
		l, err := driver.OpenComposefs(d, strings.NewReader(c.table))
		if err == nil || !errors.Is(c.err, errAny) && !errors.Is(err, c.err) {
			t.Errorf("%s: %v, %v; want %v", c.name, l, err, c.err)
		}
		if took := time.Since(start); took > time.Minute {
			t.Errorf("%s: took %v", c.name, took)
		}
	}
}

func TestFlatMetadata(t *testing.T) {
	t.Parallel()
	l, err := driver.OpenComposefs(openDir(t, flatDir(t)), strings.NewReader(table(
		`{"type":"dir","name":"d","mode":16877,"uid":5,"gid":6,"modtime":"2001-02-03T04:05:06.7Z","xattrs":{"user.k":"dg=="},"size":99}`,
		`{"type":"reg","name":"implied/f"}`,
		`{"type":"char","name":"d/gone","devMajor":0,"devMinor":0}`,
		`{"type":"reg","name":"d/.wh.a"}`, hard("d/.wh.b", "d/.wh.a"), hard("d/plain", "d/.wh.a"),
		`{"type":"reg","name":"d/.wh..wh..opq"}`,
		`{"type":"dir","name":"d","mode":2559,"uid":7}`, // 04777
	)))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	epoch := time.Unix(0, 0)
	for name, want := range map[string]driver.Node{
		"":               {Mode: fs.ModeDir | 0o755, ModTime: epoch},
		"d":              {Mode: fs.ModeDir | fs.ModeSetuid | 0o777, UID: 7, ModTime: epoch, Opaque: driver.OpaqueYes},
		"implied":        {Mode: fs.ModeDir | 0o755, ModTime: epoch},
		"implied/f":      {ModTime: epoch},
		"d/gone":         {Mode: fs.ModeDevice | fs.ModeCharDevice, ModTime: epoch, Hides: "gone"},
		"d/.wh.a":        {ModTime: epoch, Hides: "a"},
		"d/.wh.b":        {ModTime: epoch, Hides: "b"},
		"d/plain":        {ModTime: epoch},
		"d/.wh..wh..opq": {ModTime: epoch},
	} {
		got, err := l.Lstat(name)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if !got.ModTime.Equal(want.ModTime) || got.Mode != want.Mode || got.UID != want.UID || got.GID != want.GID ||
			got.Hides != want.Hides || got.Opaque != want.Opaque || got.Size != want.Size || len(got.Xattrs) != len(want.Xattrs) {
			t.Errorf("%q: %+v, want %+v", name, got, want)
		}
	}
}

// TestObjects damages the object of a file.
func TestObjects(t *testing.T) {
	t.Parallel()
	cases := map[string]func(path string) error{
		"missing": func(string) error { return nil },
		"folder is a file": func(p string) error {
			return errors.Join(os.Remove(filepath.Dir(p)), os.WriteFile(filepath.Dir(p), nil, 0o644))
		},
		"folder is a link": func(p string) error { return errors.Join(os.Remove(filepath.Dir(p)), os.Symlink(".", filepath.Dir(p))) },
		"folder":           func(p string) error { return os.Mkdir(p, 0o755) },
		"link":             func(p string) error { return os.Symlink("/etc/passwd", p) },
		"fifo":             func(p string) error { return syscall.Mkfifo(p, 0o644) },
	}
	for name, damage := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := flatDir(t, "x")
			path := filepath.Join(dir, "diff", storetest.ObjectName([]byte("x")))
			if err := errors.Join(os.Remove(path), damage(path)); err != nil {
				t.Fatal(err)
			}
			l, err := driver.OpenComposefs(openDir(t, dir), strings.NewReader(table(file("a", "x"))))
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			f, err := l.OpenFile("a")
			if !errors.Is(err, driver.ErrObject) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, beneath.ErrNotRegular) {
				t.Errorf("%v, %v", f, err)
			}
		})
	}
}
