package extract_test

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/extract"
	"github.com/cstor-go/cstor/imagefs"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/merge"
	"github.com/cstor-go/cstor/tarsplit"
)

func treeOf(tb testing.TB, layers []*cstor.Layer) *merge.Tree {
	tb.Helper()
	var all []iter.Seq2[*tarsplit.Entry, error]
	for _, l := range layers {
		all = append(all, l.Entries(tb.Context()))
	}
	tree, err := merge.Build(tb.Context(), all, merge.Options{})
	check(tb, err)
	return tree
}

// want is what a whole stack should look like.
func want(tb testing.TB, layers []*cstor.Layer) map[string]file {
	tb.Helper()
	all := expected(tb, treeOf(tb, layers), layers)
	files, err := imagefs.New(layers, imagefs.Options{})
	check(tb, err)
	for n := range treeOf(tb, layers).All() {
		if n.Layer < 0 {
			files.Complete(&n)
			f := all[n.Path]
			f.mode, f.uid, f.gid = uint32(n.Entry.Mode), uint32(n.Entry.UID), uint32(n.Entry.GID)
			f.time, f.attributes = n.Entry.ModTime, n.Entry.Xattrs
			all[n.Path] = f
		}
	}
	return all
}

var copying = extract.Options{Reflink: extract.ReflinkAuto}

// TestImages extracts all images of stores as one meets them, in every form on disk.
func TestImages(t *testing.T) {
	t.Parallel()
	needRoot(t)
	for shape, opts := range map[string]storetest.Options{
		"overlay": {}, "whiteout files": {Whiteouts: storetest.WhiteoutsFiles}, "force mask": {ForceMask: 0o755},
		"flat composefs": {Flat: true}, "vfs": {Driver: "vfs"}, "split": {ImageStore: "images"},
	} {
		for name, spec := range map[string]string{"sample": storetest.Sample, "quirks": storetest.Quirks} {
			t.Run(shape+"/"+name, func(t *testing.T) {
				t.Parallel()
				if opts.Flat && name == "sample" {
					t.Skip("no table of contents can have its names")
				}
				made := storetest.New(t, spec, opts)
				s, err := cstor.Open(t.Context(), made.Root, cstor.Options{Driver: made.Driver, ImageStore: made.ImageStore})
				check(t, err)
				defer s.Close()
				for i, err := range s.Images() {
					check(t, err)
					layers, err := i.Layers()
					if err != nil { // of a list
						continue
					}
					dir := filepath.Join(t.TempDir(), "out")
					opts := copying
					var total extract.Total
					opts.Begin = func(all extract.Total) { total = all }
					report, err := extract.Dir(t.Context(), layers, dir, opts)
					if err != nil {
						t.Errorf("image %s: %v", i.ID(), err)
						continue
					}
					if total.Files != report.Files || total.Bytes != report.Copied+report.Shared {
						t.Errorf("%+v was to be done, and %+v has been", total, report)
					}
					got := survey(t, dir)
					compare(t, got, want(t, layers))
					if n := report.Files + report.Links + report.Dirs + report.Symlinks + report.Others; n != int64(len(got)) {
						t.Errorf("%d entries were reported, %d are there: %+v", n, len(got), report)
					}
					if report.Lost.Any() {
						t.Errorf("lost %+v", report.Lost)
					}
				}
			})
		}
	}
}

const stackSpec = `
layer base
  dir      etc 0755
  file     etc/passwd 0644 "root"
  file     etc/gone 0644 "x"
  file     bin/su 04755 "su"
  file     bin/wall 02755 0:5 "wall"
  xattr    bin/su user.k=v
  hardlink bin/su2 bin/su
  hardlink usr/bin/su bin/su
  symlink  lib usr/lib
  dir      usr/lib 0500
  file     usr/lib/a 0400 "a"
  file     empty 0600
  dir      secret 0000
  dir      sticky 01777
  file     large 0644 size=700000
layer top parent=base
  whiteout etc/gone
  dir      etc 0711
  file     etc/hosts 0644 "localhost"
image i layer=top
`

// TestWithoutRoot is what everybody can extract; for root too.
func TestWithoutRoot(t *testing.T) {
	t.Parallel()
	layers := stackOf(t, stackSpec)
	dir := filepath.Join(t.TempDir(), "out")
	report, err := extract.Dir(t.Context(), layers, dir, extract.Options{Reflink: extract.ReflinkAuto, NoSameOwner: true})
	check(t, err)
	defer os.Chmod(dir, 0o700) // so that it can be removed
	wanted := want(t, layers)
	// Without rights we cannot look into these; what was made is removed in the end.
	for _, name := range []string{"secret", "usr/lib"} {
		var st unix.Stat_t
		check(t, unix.Lstat(filepath.Join(dir, name), &st))
		if mode := st.Mode & 0o7777; mode != wanted[name].mode {
			t.Errorf("%s has mode %o", name, mode)
		}
		check(t, os.Chmod(filepath.Join(dir, name), 0o700))
		w := wanted[name]
		w.mode = 0o700
		wanted[name] = w
	}
	for name, f := range wanted {
		if f.first == "bin/su" && os.Geteuid() != 0 || name == "bin/wall" {
			f.mode &= 0o777
		}
		f.uid, f.gid = uint32(os.Geteuid()), uint32(os.Getegid())
		wanted[name] = f
	}
	compare(t, survey(t, dir), wanted)
	if report.Files != 7 || report.Links != 2 || report.Lost.SetIDs.Count == 0 || report.Lost.Owners.Count != 0 {
		t.Errorf("%+v", report)
	}
}

// TestCancelled: whenever it is interrupted, nothing is left.
func TestCancelled(t *testing.T) {
	t.Parallel()
	layers := stackOf(t, stackSpec)
	for _, exists := range []bool{false, true} {
		for after := range int64(6) {
			dir := filepath.Join(t.TempDir(), "out")
			if exists {
				check(t, os.Mkdir(dir, 0o750))
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			enough := errors.New("enough")
			var files atomic.Int64
			opts := extract.Options{Reflink: extract.ReflinkAuto, NoSameOwner: true, Progress: func(p extract.Progress) {
				if files.Add(p.Files) >= after {
					cancel(enough)
				}
			}}
			_, err := extract.Dir(ctx, layers, dir, opts)
			if !errors.Is(err, enough) {
				t.Fatalf("after %d files: %v", after, err)
			}
			info, err := os.Stat(dir)
			if exists {
				check(t, err)
				left, err := os.ReadDir(dir)
				if err != nil || len(left) > 0 || info.Mode().Perm() != 0o750 {
					t.Errorf("after %d files: %v, %v, mode %v", after, left, err, info.Mode())
				}
			} else if !errors.Is(err, os.ErrNotExist) {
				t.Errorf("after %d files %s is there: %v", after, dir, err)
			}
		}
	}
}

// TestMask: the process keeps its own file mode creation mask, on all threads.
func TestMask(t *testing.T) {
	layers := stackOf(t, stackSpec)
	had := unix.Umask(0o027)
	defer unix.Umask(had)
	for range 5 {
		dir := filepath.Join(t.TempDir(), "out")
		_, err := extract.Dir(t.Context(), layers, dir, extract.Options{Reflink: extract.ReflinkAuto, NoSameOwner: true})
		check(t, err)
		check(t, os.Chmod(dir, 0o700))
		check(t, os.Chmod(filepath.Join(dir, "usr/lib"), 0o700))
		for name, mode := range map[string]os.FileMode{"etc/passwd": 0o644, "etc": 0o711, "large": 0o644} {
			if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != mode {
				t.Errorf("%s: %v, %v", name, info.Mode(), err)
			}
		}
	}
	time.Sleep(50 * time.Millisecond) // threads end after their goroutines
	masks, err := filepath.Glob("/proc/self/task/*/status")
	check(t, err)
	for _, name := range masks {
		if text, err := os.ReadFile(name); err == nil && strings.Contains(string(text), "Umask:") && !strings.Contains(string(text), "Umask:\t0027") {
			t.Errorf("%s has another mask", name)
		}
	}
}
