package imagefs_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/imagefs"
	"github.com/cstor-go/cstor/internal/storetest"
)

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// shapes are the ways in which the same images may lie on disk.
var shapes = map[string]storetest.Options{
	"overlay":        {},
	"whiteout files": {Whiteouts: storetest.WhiteoutsFiles},
	"force mask":     {ForceMask: 0o755},
	"flat composefs": {Flat: true},
	"vfs":            {Driver: "vfs"},
	"split":          {ImageStore: "images"},
}

// view opens an image's tree.
func view(tb testing.TB, made *storetest.Store, image string) *imagefs.FS {
	tb.Helper()
	s, err := cstor.Open(tb.Context(), made.Root, cstor.Options{Driver: made.Driver, ImageStore: made.ImageStore})
	check(tb, err)
	tb.Cleanup(func() { check(tb, s.Close()) })
	i, err := s.Image(image)
	check(tb, err)
	layers, err := i.Layers()
	check(tb, err)
	fsys, err := imagefs.New(layers, imagefs.Options{})
	check(tb, err)
	return fsys
}

const stackSpec = `
layer base
  dir      etc 0755
  file     etc/os-release 0644 "ID=one\n"
  file     etc/hidden 0644 "x"
  symlink  etc/abs /usr/lib/f
  dir      usr 0755
  dir      usr/lib 0755
  file     usr/lib/f 0755 7:8 "library\n"
  symlink  lib usr/lib
  dir      opaque 0755
  file     opaque/old 0644 "old"
  dir      replaced 0755
  file     replaced/in 0644 "in"
  file     becomes 0644 "a file"
  dir      gone 0755
  file     gone/f 0644 "f"
  dir      again 0755
  file     again/old 0644 "old"
layer middle parent=base
  dir      etc 0755
  whiteout etc/hidden
  file     replaced 0600 "now a file"
  dir      becomes 0755
  file     becomes/dir 0644 "now a directory"
  whiteout gone
  dir      opaque 0700
  opaque   opaque
  file     opaque/middle 0644 "middle"
layer top parent=middle
  dir      etc 0711
  file     etc/os-release 0644 "ID=three\n"
  symlink  etc/loop loop
  symlink  etc/climb ../../../../usr/lib/f
  symlink  etc/dangling nowhere
  symlink  etc/indir ../lib/f
  dir      opaque 0755
  file     opaque/top 0644 "top"
  dir      replaced 0755
  file     replaced/over 0644 "over"
  dir      gone 0755
  file     gone/new 0644 "new"
  fifo     pipe 0600
image localhost/x:1 layer=top
`

func TestTree(t *testing.T) {
	t.Parallel()
	want := []string{
		". d", "again d", "again/old f old", "becomes d", "becomes/dir f now a directory",
		"etc d", "etc/abs l /usr/lib/f", "etc/climb l ../../../../usr/lib/f", "etc/dangling l nowhere", "etc/indir l ../lib/f", "etc/loop l loop",
		"etc/os-release f ID=three\n", "gone d", "gone/new f new", "lib l usr/lib", "opaque d", "opaque/middle f middle", "opaque/top f top",
		"pipe p", "replaced d", "replaced/over f over", "usr d", "usr/lib d", "usr/lib/f f library\n",
	}
	for name, opts := range shapes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fsys := view(t, storetest.New(t, stackSpec, opts), "localhost/x:1")
			if diff := cmp.Diff(want, walked(t, fsys)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// walked lists a tree with types, content and targets.
func walked(t *testing.T, fsys fs.FS) (lines []string) {
	t.Helper()
	check(t, fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		line := p
		switch d.Type() {
		case fs.ModeDir:
			line += " d"
		case fs.ModeSymlink:
			target, err := fs.ReadLink(fsys, p)
			check(t, err)
			line += " l " + target
		case fs.ModeNamedPipe:
			line += " p"
		case 0:
			b, err := fs.ReadFile(fsys, p)
			check(t, err)
			line += " f " + string(b)
		}
		lines = append(lines, line)
		return nil
	}))
	return lines
}

func TestFSTest(t *testing.T) {
	t.Parallel()
	// What fstest opens must open: no pipe, no loop, no dangling link.
	var lines []string
	for line := range strings.Lines(stackSpec) {
		if !strings.Contains(line, "fifo") && !strings.Contains(line, "loop") && !strings.Contains(line, "dangling") {
			lines = append(lines, line)
		}
	}
	for name, opts := range shapes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fsys := view(t, storetest.New(t, strings.Join(lines, ""), opts), "localhost/x:1")
			check(t, fstest.TestFS(fsys, "etc/os-release", "opaque/top", "gone/new", "lib", "becomes/dir"))
		})
	}
}

func TestLinksAndErrors(t *testing.T) {
	t.Parallel()
	for shape, opts := range shapes {
		t.Run(shape, func(t *testing.T) {
			t.Parallel()
			fsys := view(t, storetest.New(t, stackSpec, opts), "localhost/x:1")
			for _, name := range []string{"lib/f", "etc/abs", "etc/climb", "etc/indir"} {
				b, err := fs.ReadFile(fsys, name)
				if err != nil || string(b) != "library\n" {
					t.Errorf("%s: %q, %v", name, b, err)
				}
			}
			for name, want := range map[string]error{
				"etc/loop": syscall.ELOOP, "etc/dangling": fs.ErrNotExist, "etc/hidden": fs.ErrNotExist, "gone/f": fs.ErrNotExist,
				"replaced/in": fs.ErrNotExist, "opaque/old": fs.ErrNotExist, "etc/os-release/x": syscall.ENOTDIR, "pipe": driver.ErrNotRegular,
				"/etc": fs.ErrInvalid, "etc/": fs.ErrInvalid, "etc/../etc": fs.ErrInvalid, "": fs.ErrInvalid, "etc/.wh.hidden": fs.ErrNotExist,
				"opaque/.wh..wh..opq": fs.ErrNotExist,
			} {
				f, err := fsys.Open(name)
				if !errors.Is(err, want) {
					t.Errorf("open %q: %v, want %v", name, err, want)
				}
				if pathErr := (*fs.PathError)(nil); !errors.As(err, &pathErr) || pathErr.Path != name {
					t.Errorf("open %q: the error does not name it: %v", name, err)
				}
				if f != nil {
					t.Errorf("open %q: a file and an error", name)
				}
			}
			for _, name := range []string{"/etc/../lib/./f", "/../usr/lib/f", "etc/abs"} {
				f, err := fsys.OpenFile(name)
				check(t, err)
				check(t, f.Close())
			}
			for name, want := range map[string]error{"lib": syscall.EISDIR, "etc/os-release/": syscall.ENOTDIR, "a\x00b": fs.ErrInvalid} {
				if _, err := fsys.OpenFile(name); !errors.Is(err, want) {
					t.Errorf("OpenFile(%q): %v, want %v", name, err, want)
				}
			}
			if found, err := fsys.Lookup("/lib/f", true); err != nil || found.Path != "usr/lib/f" || found.Layer == nil || found.Size != 8 {
				t.Errorf("Lookup: %+v, %v", found, err)
			}
			if found, err := fsys.Lookup("lib", false); err != nil || found.Path != "lib" || found.Link != "usr/lib" {
				t.Errorf("Lookup: %+v, %v", found, err)
			}
		})
	}
}

func TestStat(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("needs root, for owners")
	}
	for shape, opts := range shapes {
		t.Run(shape, func(t *testing.T) {
			t.Parallel()
			fsys := view(t, storetest.New(t, strings.Replace(stackSpec, "layer middle", statSpec+"layer middle", 1), opts), "localhost/x:1")
			info, err := fsys.Stat("lib/f")
			check(t, err)
			st, ok := info.Sys().(*imagefs.Stat)
			if !ok || info.Mode() != 0o755 || info.Size() != 8 || info.Name() != "f" || st.UID != 7 || st.GID != 8 || st.Layer == nil {
				t.Errorf("%v %+v", info, st)
			}
			info, err = fsys.Stat("etc")
			check(t, err)
			if info.Mode() != fs.ModeDir|0o711 {
				t.Errorf("etc: %v", info)
			}
			info, err = fsys.Stat("usr/lib/described")
			check(t, err)
			if st, ok := info.Sys().(*imagefs.Stat); !ok || st.Xattrs["user.k"] != "v" || len(st.Xattrs) != 1 || info.ModTime().Unix() != 1_600_000_000 {
				t.Errorf("described: %v %+v", info, st)
			}
			if opts.Flat {
				return // has no devices
			}
			info, err = fsys.Stat("usr/lib/device")
			check(t, err)
			if st, ok := info.Sys().(*imagefs.Stat); !ok || st.DevMajor != 7 || st.DevMinor != 3 || info.Mode() != fs.ModeDevice|0o640 {
				t.Errorf("device: %v %+v", info, st)
			}
		})
	}
}

// statSpec is more of the layer base.
const statSpec = `
  file     usr/lib/described 0644 mtime=1600000000 "x"
  xattr    usr/lib/described user.k=v
  block    usr/lib/device 0640 7 3
`

// TestWithoutTarSplit: where all is seen on disk, no tar-split is read.
func TestWithoutTarSplit(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, stackSpec, storetest.Options{})
	recipes, err := filepath.Glob(filepath.Join(made.Root, "overlay-layers", "*.tar-split.gz"))
	check(t, err)
	if len(recipes) != 3 {
		t.Fatalf("%d tar-split files", len(recipes))
	}
	for _, name := range recipes {
		check(t, os.Remove(name))
	}
	fsys := view(t, made, "localhost/x:1")
	if lines := walked(t, fsys); len(lines) != 24 {
		t.Errorf("%q", lines)
	}
}

func TestNoLayers(t *testing.T) {
	t.Parallel()
	fsys, err := imagefs.New(nil, imagefs.Options{})
	check(t, err)
	check(t, fstest.TestFS(fsys))
}

func TestNamesOfAnyBytes(t *testing.T) {
	t.Parallel()
	fsys := view(t, storetest.New(t, "layer a\nfile \"\\xff\" 0644 \"x\"\nimage localhost/x:1 layer=a\n", storetest.Options{}), "localhost/x:1")
	list, err := fsys.ReadDir(".")
	check(t, err)
	if len(list) != 1 || list[0].Name() != "\xff" {
		t.Fatalf("%v", list)
	}
	if _, err := fsys.Open("\xff"); !errors.Is(err, fs.ErrInvalid) {
		t.Error(err)
	}
	f, err := fsys.OpenFile("\xff")
	check(t, err)
	defer f.Close()
	if b, err := io.ReadAll(f); err != nil || !slices.Equal(b, []byte("x")) {
		t.Errorf("%q, %v", b, err)
	}
}

// TestOneLayer: a layer alone shows its own part, whatever its driver keeps.
func TestOneLayer(t *testing.T) {
	t.Parallel()
	want := []string{
		". d", "etc d", "etc/climb l ../../../../usr/lib/f", "etc/dangling l nowhere", "etc/indir l ../lib/f", "etc/loop l loop",
		"etc/os-release f ID=three\n", "gone d", "gone/new f new", "opaque d", "opaque/top f top", "pipe p", "replaced d", "replaced/over f over",
	}
	for name, opts := range shapes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made := storetest.New(t, stackSpec, opts)
			s, err := cstor.Open(t.Context(), made.Root, cstor.Options{Driver: made.Driver, ImageStore: made.ImageStore})
			check(t, err)
			defer s.Close()
			l, err := s.Layer(made.Layer("top").ID)
			check(t, err)
			fsys, err := imagefs.New([]*cstor.Layer{l}, imagefs.Options{})
			check(t, err)
			if diff := cmp.Diff(want, walked(t, fsys)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			info, err := fs.Stat(fsys, "etc")
			if err != nil || info.Mode() != fs.ModeDir|0o711 {
				t.Errorf("%v, %v", info, err)
			}
			if _, err := fsys.Open("pipe"); !errors.Is(err, driver.ErrNotRegular) {
				t.Errorf("a pipe: %v", err)
			}
		})
	}
}
