package extract_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/extract"
	"github.com/cstor-go/cstor/internal/storetest"
)

// TestPath extracts a part, links into which become files of it.
func TestPath(t *testing.T) {
	t.Parallel()
	layers := stackOf(t, `
layer l
  file     a 0644 "outside"
  dir      usr 0755
  dir      usr/share 0750
  hardlink usr/share/z/first a
  hardlink usr/share/z/again a
  hardlink usr/share/b/first a
  hardlink usr/share/b/again usr/share/b/first
  file     usr/share/own 0644 "own"
  hardlink usr/share/z/own usr/share/own
  file     usr/shared 0644 "not this"
  symlink  link usr/share
image i layer=l
`)
	whole := want(t, layers)
	for _, name := range []string{"usr/share", "/usr/share/", "link", "./usr/../usr/share"} {
		dir := filepath.Join(t.TempDir(), "out")
		var total extract.Total
		report, err := extract.Dir(t.Context(), layers, dir, extract.Options{
			Reflink: extract.ReflinkAuto, NoSameOwner: true, Path: name, Begin: func(all extract.Total) { total = all },
		})
		check(t, err)
		if want := (extract.Total{Files: 2, Bytes: int64(len("outside" + "own"))}); total != want {
			t.Errorf("%+v was to be done, not %+v", total, want)
		}
		wanted := map[string]file{}
		for _, at := range []string{"b", "b/first", "b/again", "own", "z", "z/first", "z/again", "z/own"} {
			wanted[at] = whole["usr/share/"+at]
		}
		wanted["."] = whole["usr/share"]
		for at, f := range wanted {
			if f.uid, f.gid = uint32(os.Geteuid()), uint32(os.Getegid()); f.kind.IsDir() {
				f.first = at
			} else if f.first = "b/again"; filepath.Base(at) == "own" {
				f.first = "own"
			}
			wanted[at] = f
		}
		compare(t, survey(t, dir), wanted)
		if report.Files != 2 || report.Links != 4 || report.Dirs != 3 {
			t.Errorf("%+v", report)
		}
	}
}

const marksSpec = `
layer base
  dir a 0755
  file a/f 0644
  file a/g 0644
  dir b 0755
  file b/f 0644
layer top parent=base
  dir a 0755
  whiteout a/f
  whiteout a/g
  dir a/g 0755
  dir b 0711
  opaque b
  file b/new 0644 "n"
  whiteout c
  whiteout d/e
image i layer=top
`

// TestWhiteouts extracts a layer with what it deletes.
func TestWhiteouts(t *testing.T) {
	t.Parallel()
	needRoot(t)
	layers := stackOf(t, marksSpec)[1:]
	type marks map[string]string
	for _, c := range []struct {
		as   extract.Whiteouts
		want marks
	}{
		{"", marks{".": "", "a": "", "a/g": "", "b": "", "b/new": "", "d": ""}},
		{extract.WhiteoutsFiles, marks{
			".": "", "a": "", "a/.wh.f": "", "a/g": "", "a/.wh.g": "", "b": "", "b/.wh..wh..opq": "", "b/new": "", ".wh.c": "", "d": "", "d/.wh.e": "",
		}},
		{extract.WhiteoutsOverlay, marks{
			".": "", "a": "", "a/f": "gone", "a/g": "opaque", "b": "opaque", "b/new": "", "c": "gone", "d": "", "d/e": "gone",
		}},
	} {
		dir := filepath.Join(t.TempDir(), "out")
		_, err := extract.Dir(t.Context(), layers, dir, extract.Options{Reflink: extract.ReflinkAuto, Whiteouts: c.as})
		check(t, err)
		got := marks{}
		for name, f := range survey(t, dir) {
			switch {
			case f.kind == os.ModeDevice|os.ModeCharDevice && f.rdev == 0:
				got[name] = "gone"
			case f.attributes["trusted.overlay.opaque"] == "y":
				got[name] = "opaque"
			default:
				got[name] = ""
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("%q: %v", c.as, got)
		}
		for name, mark := range c.want {
			if has, ok := got[name]; !ok || has != mark {
				t.Errorf("%q: %s: %q, %v", c.as, name, has, ok)
			}
		}
	}
}

// TestWhiteoutsCancelled: no mark is made once it has been cancelled.
func TestWhiteoutsCancelled(t *testing.T) {
	t.Parallel()
	layers := stackOf(t, "layer l\n  file f 0644 \"1\"\n  whiteout a\n  whiteout b\nimage i layer=l\n")
	dir := filepath.Join(t.TempDir(), "out")
	ctx, cancel := context.WithCancel(t.Context())
	_, err := extract.Dir(ctx, layers, dir, extract.Options{
		Reflink: extract.ReflinkAuto, NoSameOwner: true, Whiteouts: extract.WhiteoutsFiles, KeepPartial: true,
		Progress: func(extract.Progress) { cancel() },
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	check(t, err)
	if len(left) != 1 || left[0].Name() != "f" {
		t.Errorf("left: %v", left)
	}
}

// TestWhiteoutsMounted: the kernel reads them as they are meant.
func TestWhiteoutsMounted(t *testing.T) {
	t.Parallel()
	needRoot(t)
	// The kernel lists a whiteout in a directory that no other layer has.
	layers := stackOf(t, strings.Replace(marksSpec, "  whiteout d/e\n", "", 1))
	at := t.TempDir()
	lower := ""
	for i, l := range layers {
		dir := filepath.Join(at, itoa(i))
		_, err := extract.Dir(t.Context(), []*cstor.Layer{l}, dir, extract.Options{Reflink: extract.ReflinkAuto, Whiteouts: extract.WhiteoutsOverlay})
		check(t, err)
		lower = dir + ":" + lower
	}
	dir := t.TempDir()
	if err := unix.Mount("overlay", dir, "overlay", unix.MS_RDONLY, "lowerdir="+lower[:len(lower)-1]); err != nil {
		t.Skip("mount: ", err)
	}
	t.Cleanup(func() { check(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	compare(t, survey(t, dir), want(t, layers))
}

// TestLinkBelow: a further name of a file of the layers below is a file of a layer alone.
// Only vfs takes such a layer.
func TestLinkBelow(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, `
layer base
  file a 0640 "below"
layer top parent=base
  hardlink b a 0640
image i layer=top
`, storetest.Options{Driver: "vfs"})
	layers := layersOf(t, made, "i")[1:]
	dir := filepath.Join(t.TempDir(), "out")
	_, err := extract.Dir(t.Context(), layers, dir, extract.Options{Reflink: extract.ReflinkAuto, NoSameOwner: true})
	check(t, err)
	defer os.Chmod(dir, 0o700) // so that it can be removed
	if b, err := os.ReadFile(filepath.Join(dir, "b")); err != nil || string(b) != "below" {
		t.Errorf("%q, %v", b, err)
	}
	var out bytes.Buffer
	_, err = extract.Tar(t.Context(), layers, &out, extract.TarOptions{})
	if err != nil || !bytes.Contains(out.Bytes(), []byte("below")) {
		t.Errorf("tar: %v", err)
	}
}

// TestNoLayers makes an empty directory, with what is said of the root of an empty image.
func TestNoLayers(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out")
	report, err := extract.Dir(t.Context(), nil, dir, extract.Options{NoSameOwner: true})
	check(t, err)
	if all := survey(t, dir); len(all) != 1 || all["."].mode != 0o755 || report.Dirs != 1 {
		t.Errorf("%v, %+v", all, report)
	}
}
