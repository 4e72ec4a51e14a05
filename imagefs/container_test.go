package imagefs_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/imagefs"
	"github.com/cstor-go/cstor/internal/storetest"
)

// containerOf shows the container "c" of a store that was made.
func containerOf(tb testing.TB, made *storetest.Store, opts cstor.Options) *imagefs.FS {
	tb.Helper()
	s, err := cstor.Open(tb.Context(), made.Root, opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() }) // was only read
	c, err := s.Container("c")
	if err != nil {
		tb.Fatal(err)
	}
	layers, err := c.Layers()
	if err != nil {
		tb.Fatal(err)
	}
	tree, err := imagefs.New(layers, imagefs.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return tree
}

const imageSpec = `
layer base
  dir  etc 0755
  file etc/gone 0644 "gone"
  file etc/motd 0644 "below"
  file etc/passwd 0644 "root"
image localhost/i layer=base
`

const containerSpec = `
layer rw container parent=base
  dir  etc 0755
  whiteout etc/gone
  file etc/motd 0600 "own"
container c image=localhost/i layer=rw
`

// TestContainers shows containers of stores of every kind.
func TestContainers(t *testing.T) {
	t.Parallel()
	shared := storetest.New(t, imageSpec, storetest.Options{NoLocks: true})
	for name, c := range map[string]struct {
		spec string
		made storetest.Options
		open cstor.Options
	}{
		"overlay":        {imageSpec + containerSpec, storetest.Options{}, cstor.Options{}},
		"whiteout files": {imageSpec + containerSpec, storetest.Options{Whiteouts: storetest.WhiteoutsFiles}, cstor.Options{}},
		"vfs":            {imageSpec + containerSpec, storetest.Options{Driver: "vfs"}, cstor.Options{Driver: "vfs"}},
		"split":          {imageSpec + containerSpec, storetest.Options{ImageStore: "images"}, cstor.Options{}},
		"old":            {imageSpec + containerSpec, storetest.Options{Old: true}, cstor.Options{}},
		"transient":      {imageSpec + containerSpec, storetest.Options{Transient: true}, cstor.Options{Transient: true}},
		"volatile":       {strings.ReplaceAll(imageSpec+containerSpec, "layer=rw", "layer=rw volatile"), storetest.Options{}, cstor.Options{}},
		"additional": {
			strings.ReplaceAll(containerSpec, " image=localhost/i", ""),
			storetest.Options{Parents: []*storetest.Store{shared}},
			cstor.Options{AdditionalImageStores: []string{shared.Root}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made := storetest.New(t, c.spec, c.made)
			c.open.ImageStore, c.open.RunRoot = made.ImageStore, made.RunRoot
			tree := containerOf(t, made, c.open)
			for file, want := range map[string]string{"etc/motd": "own", "etc/passwd": "root"} {
				if b, err := tree.ReadFile(file); err != nil || string(b) != want {
					t.Errorf("%s: %q, %v", file, b, err)
				}
			}
			if _, err := tree.Stat("etc/gone"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("etc/gone: %v", err)
			}
			if list, err := tree.ReadDir("etc"); err != nil || len(list) != 2 {
				t.Errorf("%v, %v", list, err)
			}
		})
	}
}

// setXattr sets attributes FILE, KEY, VALUE of a layer's tree.
func setXattr(t *testing.T, dir string, attrs ...string) {
	t.Helper()
	for ; len(attrs) > 0; attrs = attrs[3:] {
		if err := unix.Setxattr(filepath.Join(dir, attrs[0]), attrs[1], []byte(attrs[2]), 0); err != nil {
			t.Skip("setxattr: ", err)
		}
	}
}

const redirectSpec = `
layer base
  dir  a 0755
  file a/x 0644 "ax"
  dir  a/b 0755
  file a/b/y 0644 "aby"
  file other 0644 "1234"
  symlink out ../../../../../../../../../../etc
  symlink link a
image localhost/i layer=base
layer rw container parent=base
  dir  z 0755
  file stub 0600 zeros=4
container c image=localhost/i layer=rw
`

// TestRedirects: what marks of overlay lead to, good and bad. That good ones are followed as the kernel does is tested with
// package extract.
func TestRedirects(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		redirect string // of z
		stub     string // redirect of stub
		z        error  // of z/x
		file     error  // of stub
		content  string // of stub
	}{
		{"absolute", "/a", "/other", nil, nil, "1234"},
		{"beside it", "a", "other", nil, nil, "1234"},
		{"into a directory", "/a/b", "/a/x", fs.ErrNotExist, nil, "ax"},
		{"nothing there", "/gone", "/gone", fs.ErrNotExist, cstor.ErrDamaged, ""},
		{"itself", "/z", "/stub", fs.ErrNotExist, cstor.ErrDamaged, ""},
		{"of the wrong type", "/other", "/a", fs.ErrNotExist, cstor.ErrDamaged, ""},
		{"through a link", "/link/b", "/link/x", fs.ErrNotExist, cstor.ErrDamaged, ""},
		{"out of the layer, through a link", "/out", "/out/passwd", fs.ErrNotExist, cstor.ErrDamaged, ""},
		{"climbing", "../../../../../etc", "/../../../../etc/passwd", driver.ErrRedirect, driver.ErrRedirect, ""},
		{"climbing later", "/a/../../etc", "..", driver.ErrRedirect, driver.ErrRedirect, ""},
		{"the root", "/", "/", driver.ErrRedirect, driver.ErrRedirect, ""},
		{"empty", "", "", driver.ErrRedirect, driver.ErrRedirect, ""},
		{"slashes", "//a", "/a//x", driver.ErrRedirect, driver.ErrRedirect, ""},
		{"a relative path", "a/b", "a/x", driver.ErrRedirect, driver.ErrRedirect, ""},
		{"with a NUL", "/a\x00", "other\x00", driver.ErrRedirect, driver.ErrRedirect, ""},
		{"long", "/" + strings.Repeat("a/", 1900) + "a", "/" + strings.Repeat("a/", 1900) + "a", fs.ErrNotExist, cstor.ErrDamaged, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			made := storetest.New(t, redirectSpec, storetest.Options{Whiteouts: storetest.WhiteoutsUser})
			dir := made.Layer("rw").Diff
			if len(c.redirect) > 1000 {
				if err := unix.Setxattr(filepath.Join(dir, "z"), "user.overlay.redirect", []byte(c.redirect), 0); err != nil {
					t.Skip("setxattr: ", err) // ext4 has a block for all of them
				}
			}
			setXattr(t, dir, "z", "user.overlay.redirect", c.redirect, "stub", "user.overlay.redirect", c.stub, "stub", "user.overlay.metacopy", "")
			tree := containerOf(t, made, cstor.Options{})
			if _, err := tree.ReadFile("z/x"); !errors.Is(err, c.z) {
				t.Errorf("z/x: %v", err)
			}
			f, err := tree.OpenFile("stub")
			if !errors.Is(err, c.file) || c.file != nil && !errors.Is(err, driver.ErrMetacopy) && !errors.Is(err, driver.ErrRedirect) {
				t.Errorf("stub: %v", err)
			}
			if err != nil {
				if layer := made.Layer("rw").ID; !strings.Contains(err.Error(), layer) || !strings.Contains(err.Error(), "stub") {
					t.Errorf("layer and entry are not named: %v", err)
				}
				return
			}
			defer f.Close()
			if b, err := io.ReadAll(f); err != nil || string(b) != c.content {
				t.Errorf("%q, %v", b, err)
			}
		})
	}
}

// TestMetacopyOfDirectory: a mark of files says nothing of a directory.
func TestMetacopyOfDirectory(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, imageSpec+containerSpec, storetest.Options{Whiteouts: storetest.WhiteoutsUser})
	setXattr(t, made.Layer("rw").Diff, "etc", "user.overlay.metacopy", "")
	tree := containerOf(t, made, cstor.Options{})
	if b, err := tree.ReadFile("etc/passwd"); err != nil || string(b) != "root" {
		t.Errorf("%q, %v", b, err)
	}
}

// TestManyRedirects: a tall stack of layers that each lead elsewhere takes little time.
func TestManyRedirects(t *testing.T) {
	t.Parallel()
	var spec strings.Builder
	const layers = 100
	spec.WriteString("layer l0\n  dir d0 0755\n  file d0/x 0644 \"x\"\nimage i layer=l0\n")
	for n := 1; n < layers; n++ {
		fmt.Fprintf(&spec, "layer l%d container parent=l%d\n  dir d%d 0755\n  whiteout d%d\n", n, n-1, n, n-1)
	}
	fmt.Fprintf(&spec, "container c image=i layer=l%d\n", layers-1)
	made := storetest.New(t, spec.String(), storetest.Options{Whiteouts: storetest.WhiteoutsUser})
	for n := 1; n < layers; n++ {
		setXattr(t, made.Layer(fmt.Sprintf("l%d", n)).Diff, fmt.Sprintf("d%d", n), "user.overlay.redirect", fmt.Sprintf("/d%d", n-1))
	}
	tree := containerOf(t, made, cstor.Options{})
	if b, err := tree.ReadFile(fmt.Sprintf("d%d/x", layers-1)); err != nil || string(b) != "x" {
		t.Errorf("%q, %v", b, err)
	}
	for n := range layers - 1 {
		if _, err := tree.Stat(fmt.Sprintf("d%d", n)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("d%d: %v", n, err)
		}
	}
}
