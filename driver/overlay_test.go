package driver_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/internal/storetest"
)

// TestMarks sets one attribute on one node and looks at what it says.
func TestMarks(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T) {
		cases := []struct {
			name  string
			attrs []string // NODE, KEY, VALUE of each
			node  string
			want  driver.Node // Hides, Opaque, Redirect, Metacopy
			root  bool
			wh    bool
		}{
			{name: "plain", node: "d"},
			{name: "trusted", attrs: []string{"d", "trusted.overlay.opaque", "y"}, node: "d", want: driver.Node{Opaque: driver.OpaqueYes}, root: true},
			{name: "user", attrs: []string{"d", "user.overlay.opaque", "y"}, node: "d", want: driver.Node{Opaque: driver.OpaqueYes}},
			{name: "fuse-overlayfs", attrs: []string{"d", "user.fuseoverlayfs.opaque", "y"}, node: "d", want: driver.Node{Opaque: driver.OpaqueYes}},
			{name: "other value", attrs: []string{"d", "user.overlay.opaque", "n"}, node: "d"},
			{name: "two spellings", attrs: []string{"d", "user.overlay.opaque", "n", "d", "user.fuseoverlayfs.opaque", "y"}, node: "d", want: driver.Node{Opaque: driver.OpaqueYes}},
			{name: "of a file", attrs: []string{"d/f", "user.overlay.opaque", "y"}, node: "d/f"},
			{name: "root", attrs: []string{"", "user.overlay.opaque", "y"}, node: "/", want: driver.Node{Opaque: driver.OpaqueYes}},
			{name: "file marks it", node: "wh", wh: true, want: driver.Node{Opaque: driver.OpaqueYes}},
			{name: "file in a native store", node: "wh"},

			{name: "attribute on a file", attrs: []string{"d", "user.overlay.opaque", "x", "d/empty", "user.overlay.whiteout", ""}, node: "d/empty", want: driver.Node{Hides: "empty"}},
			{name: "attribute through a link", attrs: []string{"d", "user.overlay.opaque", "x", "d/empty", "user.overlay.whiteout", ""}, node: "link/empty", want: driver.Node{Hides: "empty"}},
			{name: "attribute of root", attrs: []string{"d", "trusted.overlay.opaque", "x", "d/empty", "trusted.overlay.whiteout", ""}, node: "d/empty", want: driver.Node{Hides: "empty"}, root: true},
			{name: "attribute below the root", attrs: []string{"", "user.overlay.opaque", "x", "empty", "user.overlay.whiteout", ""}, node: "empty", want: driver.Node{Hides: "empty"}},
			{name: "directory does not say so", attrs: []string{"d/empty", "user.overlay.whiteout", ""}, node: "d/empty"},
			{name: "not empty", attrs: []string{"d", "user.overlay.opaque", "x", "d/f", "user.overlay.whiteout", ""}, node: "d/f"},
			{name: "x is not y", attrs: []string{"d", "user.overlay.opaque", "x"}, node: "d"},

			{name: "file", node: "d/.wh.gone", wh: true, want: driver.Node{Hides: "gone"}},
			{name: "directory", node: "d/.wh.dir", wh: true, want: driver.Node{Hides: "dir"}},
			{name: "a file in a native store", node: "d/.wh.gone"},
			{name: "the opaque mark itself", node: "wh/.wh..wh..opq", wh: true},
			{name: "of the storage's own", node: "d/.wh..wh.plnk", wh: true},
			{name: "nothing", node: "d/.wh.", wh: true},
			{name: "itself", node: "d/.wh..", wh: true},
			{name: "its parent", node: "d/.wh...", wh: true},
			{name: "three dots", node: "d/.wh....", wh: true, want: driver.Node{Hides: "..."}},

			{name: "redirect", attrs: []string{"d", "user.overlay.redirect", "/other"}, node: "d", want: driver.Node{Redirect: "/other"}},
			{name: "redirect of root", attrs: []string{"d", "trusted.overlay.redirect", "other"}, node: "d", want: driver.Node{Redirect: "other"}, root: true},
			{name: "metacopy", attrs: []string{"d/f", "user.overlay.metacopy", ""}, node: "d/f", want: driver.Node{Metacopy: true}},
			{name: "metacopy of a directory", attrs: []string{"d", "user.overlay.metacopy", ""}, node: "d"},
			{name: "metacopy of root", attrs: []string{"d/f", "trusted.overlay.metacopy", "x"}, node: "d/f", want: driver.Node{Metacopy: true}, root: true},
		}
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				if c.root {
					needRoot(t)
				}
				s := storetest.New(t, `
layer a container
  dir  d 0755
  file d/f 0644 "x"
  file d/empty 0644
  file empty 0644
  symlink link d
  file d/.wh.gone 0644
  dir  d/.wh.dir 0755
  file d/.wh. 0644
  file d/.wh.. 0644
  file d/.wh... 0644
  file d/.wh.... 0644
  file d/.wh..wh.plnk 0644
  dir  wh 0755
  file wh/.wh..wh..opq 0644
`, storetest.Options{Whiteouts: storetest.WhiteoutsFiles})
				info := s.Layer("a")
				unlock(t, info.Diff)
				for a := c.attrs; len(a) > 0; a = a[3:] {
					setXattr(t, filepath.Join(info.Diff, a[0]), a[1], a[2])
				}
				l := open(t, info, driver.OverlayOptions{Container: true, WhiteoutFiles: c.wh})
				got, err := l.Lstat(c.node)
				if err != nil {
					t.Fatal(err)
				}
				if got.Hides != c.want.Hides || got.Opaque != c.want.Opaque || got.Redirect != c.want.Redirect || got.Metacopy != c.want.Metacopy {
					t.Errorf("%+v, want %+v", got, c.want)
				}
				if got.Xattrs != nil {
					t.Errorf("attributes %q", got.Xattrs)
				}
			})
		}
	})
}

// unlock lets the owner set attributes of a layer's root directory.
func unlock(t *testing.T, dir string) {
	t.Helper()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestOverlayMeta(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T) {
		s := storetest.New(t, `
layer a
  dir  d 0755
  file f 0644 "x"
`, storetest.Options{})
		info := s.Layer("a")
		f := filepath.Join(info.Diff, "f")
		cases := []struct {
			name, key, value string
			want             driver.Node // Mode, UID, GID, DevMajor, DevMinor
			bad              bool
		}{
			{name: "short", value: "5:6:0640", want: driver.Node{Mode: 0o640, UID: 5, GID: 6}},
			{name: "long", value: "3000000:0:4755:file", want: driver.Node{Mode: 0o755 | fs.ModeSetuid, UID: 3000000}},
			{name: "type in mode", key: "user.fuseoverlayfs.override_stat", value: "1:2:100600", want: driver.Node{Mode: 0o600, UID: 1, GID: 2}},
			{name: "device", value: "0:6:0660:block-7-300", want: driver.Node{Mode: 0o660 | fs.ModeDevice, GID: 6, DevMajor: 7, DevMinor: 300}},
			{name: "a device 0:0 is no whiteout", value: "0:0:0:char-0-0", want: driver.Node{Mode: fs.ModeDevice | fs.ModeCharDevice}},
			{name: "directory", value: "0:0:0755:dir", bad: true},
			{name: "symlink", value: "0:0:0777:symlink", bad: true},
			{name: "nonsense", value: "a:b:c", bad: true},
			{name: "empty", value: "", bad: true},
		}
		for _, c := range cases {
			key := c.key
			if key == "" {
				key = "user.containers.override_stat"
			}
			setXattr(t, f, key, c.value)
			got, err := open(t, info, driver.OverlayOptions{WhiteoutFiles: true}).Lstat("f")
			if err := unix.Lremovexattr(f, key); err != nil {
				t.Fatal(err)
			}
			if c.bad {
				if err == nil {
					t.Errorf("%s: no error, %+v", c.name, got)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			if got.Mode != c.want.Mode || got.UID != c.want.UID || got.GID != c.want.GID || got.DevMajor != c.want.DevMajor ||
				got.DevMinor != c.want.DevMinor || got.Hides != "" || got.Xattrs != nil {
				t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
			}
		}
	})
}

// TestNotRegular: nothing but a regular file is opened, and nothing blocks.
func TestNotRegular(t *testing.T) {
	t.Parallel()
	needRoot(t)
	for _, driverName := range []string{"overlay", "vfs"} {
		s := storetest.New(t, `
layer a
  dir     d
  symlink l d
  fifo    fifo
  char    null 0666 1 3
  block   loop 0660 7 0
`, storetest.Options{Driver: driverName})
		info := s.Layer("a")
		if err := unix.Mknod(filepath.Join(info.Diff, "socket"), unix.S_IFSOCK|0o600, 0); err != nil {
			t.Fatal(err)
		}
		l := open(t, info, driver.OverlayOptions{})
		types := map[string]fs.FileMode{
			"d": fs.ModeDir, "l": fs.ModeSymlink, "fifo": fs.ModeNamedPipe, "socket": fs.ModeSocket,
			"null": fs.ModeDevice | fs.ModeCharDevice, "loop": fs.ModeDevice,
		}
		for name, typ := range types {
			if f, err := l.OpenFile(name); !errors.Is(err, beneath.ErrNotRegular) {
				t.Errorf("%s: OpenFile(%q): %v, %v", driverName, name, f, err)
			}
			if n, err := l.Lstat(name); err != nil || n.Mode.Type() != typ {
				t.Errorf("%s: Lstat(%q): %+v, %v", driverName, name, n, err)
			}
		}
		list, err := l.ReadDir("")
		if err != nil || len(list) != len(types) {
			t.Errorf("%s: %v, %v", driverName, list, err)
		}
		for _, e := range list {
			if e.Type != types[e.Name] {
				t.Errorf("%s: %q listed as %v", driverName, e.Name, e.Type)
			}
		}
	}
}
