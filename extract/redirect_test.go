package extract_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/changes"
	"github.com/cstor-go/cstor/extract"
	"github.com/cstor-go/cstor/imagefs"
	"github.com/cstor-go/cstor/internal/storetest"
)

// generations is how many containers' layers lie upon each other, each written through
// a mount of those below it.
const generations = 3

// scramble does random things in a mounted tree, as a container may.
func scramble(t *testing.T, r *rand.Rand, root string) {
	t.Helper()
	for range 6 + r.IntN(20) {
		var dirs, names []string
		check(t, filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist): // see survey
				return nil
			case err != nil:
				return err
			case d.IsDir():
				dirs = append(dirs, name)
			}
			if name != root {
				names = append(names, name)
			}
			return nil
		}))
		dir := dirs[r.IntN(len(dirs))]
		fresh := filepath.Join(dir, string("abcdefgh"[r.IntN(8)]))
		if len(names) == 0 {
			names = append(names, fresh)
		}
		name := names[r.IntN(len(names))]
		// Errors are of no interest: what the tree has become is compared.
		switch r.IntN(11) {
		case 0, 1, 2, 3:
			_ = os.Rename(name, fresh)
		case 4:
			_ = os.Chmod(name, fs.FileMode(r.IntN(0o1000)))
		case 5:
			_ = os.Lchown(name, r.IntN(3), r.IntN(3))
		case 6:
			_ = os.RemoveAll(name)
		case 7:
			_ = os.Mkdir(fresh, 0o755)
		case 8:
			if info, err := os.Lstat(fresh); err == nil && !info.Mode().IsRegular() {
				continue // a FIFO, say, would wait
			}
			_ = os.WriteFile(fresh, bytes.Repeat([]byte{byte(r.IntN(256))}, r.IntN(9000)), 0o644)
		case 9:
			_ = os.Link(name, fresh)
		case 10:
			_ = os.Chtimes(name, time.Unix(1_650_000_000, 0), time.Unix(1_650_000_000+r.Int64N(1000), 5))
		}
	}
}

// TestRedirect compares what is shown and extracted of containers whose layers overlay
// wrote with redirects and metacopy, and what is told of their changes, with what the
// kernel shows of the same layers.
func TestRedirect(t *testing.T) {
	t.Parallel()
	needRoot(t)
	runs := 25
	if testing.Short() {
		runs = 5
	}
	marks := map[string]int{}
	for seed := range uint64(runs) {
		r := rand.New(rand.NewPCG(seed, 11))
		spec := stacked(r)
		parent := fmt.Sprintf("l%d", strings.Count(spec, "layer l")-1)
		for n := range generations {
			spec += fmt.Sprintf("layer u%d container parent=%s\n", n, parent)
			parent = fmt.Sprintf("u%d", n)
		}
		spec += fmt.Sprintf("container w image=i layer=%s\n", parent)
		made := storetest.New(t, spec, storetest.Options{Whiteouts: storetest.WhiteoutsTrusted})
		s, err := cstor.Open(t.Context(), made.Root, cstor.Options{})
		check(t, err)
		c, err := s.Container("w")
		check(t, err)
		layers, err := c.Layers()
		check(t, err)
		var diffs []string // the top first
		for _, l := range layers {
			diffs = slices.Insert(diffs, 0, filepath.Join(made.Root, "overlay", l.ID(), "diff"))
		}
		var trees []map[string]file
		for n := range generations {
			top := generations - 1 - n
			dir, work := t.TempDir(), filepath.Join(made.Root, fmt.Sprintf("work%d", n))
			check(t, os.Mkdir(work, 0o700))
			options := "redirect_dir=on,metacopy=on,index=off,lowerdir=" + strings.Join(diffs[top+1:], ":") + ",upperdir=" + diffs[top] + ",workdir=" + work
			if err := unix.Mount("overlay", dir, "overlay", 0, options); err != nil {
				t.Skip("mount: ", err)
			}
			t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }) // if not below
			scramble(t, r, dir)
			trees = append(trees, survey(t, dir))
			check(t, unix.Unmount(dir, unix.MNT_DETACH))
			countMarks(t, diffs[top], marks)
		}
		for n := range generations {
			stack := layers[:len(layers)-generations+1+n]
			same := func(got map[string]file) {
				t.Helper()
				compare(t, anonymous(got), anonymous(trees[n]))
			}
			out := filepath.Join(t.TempDir(), "out")
			report, err := extract.Dir(t.Context(), stack, out, copying)
			if err != nil || report.Lost.Any() {
				t.Errorf("%+v, %v", report, err)
			}
			same(survey(t, out))
			same(seen(t, stack))
			var b bytes.Buffer
			_, err = extract.Tar(t.Context(), stack, &b, extract.TarOptions{})
			check(t, err)
			untarred := t.TempDir()
			cmd := exec.Command("tar", "-x", "-p", "--xattrs", "--xattrs-include=*", "-C", untarred)
			cmd.Stdin = &b
			if text, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("tar: %v: %s", err, text)
			}
			same(survey(t, untarred))
			if n > 0 {
				compareChanges(t, stack, trees[n-1], trees[n])
			}
		}
		check(t, s.Close())
		if t.Failed() {
			t.Fatalf("seed %d:\n%s", seed, spec)
		}
	}
	t.Log(marks)
	for _, mark := range []string{"redirect", "redirect /", "metacopy", "metacopy redirect"} {
		if marks[mark] == 0 {
			t.Errorf("the kernel made no %s", mark)
		}
	}
}

// countMarks counts the marks of a layer.
func countMarks(t *testing.T, dir string, marks map[string]int) {
	t.Helper()
	check(t, filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		b := make([]byte, 4096)
		what := ""
		if _, err := unix.Lgetxattr(name, "trusted.overlay.metacopy", b); err == nil {
			what = "metacopy"
		}
		if n, err := unix.Lgetxattr(name, "trusted.overlay.redirect", b); err == nil {
			if what = strings.TrimSpace(what + " redirect"); b[0] == '/' && what == "redirect" && n > 0 {
				what += " /"
			}
		}
		if what != "" {
			marks[what]++
		}
		return nil
	}))
}

// anonymous leaves out which names are of one file: without its index overlay tells apart
// what is one file below.
func anonymous(all map[string]file) map[string]file {
	out := map[string]file{}
	for name, f := range all {
		f.first = ""
		out[name] = f
	}
	return out
}

// seen is what package imagefs shows.
func seen(t *testing.T, layers []*cstor.Layer) map[string]file {
	t.Helper()
	tree, err := imagefs.New(layers, imagefs.Options{})
	check(t, err)
	all := map[string]file{}
	check(t, fs.WalkDir(tree, ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		n, err := tree.Lookup(name, false)
		if err != nil {
			return err
		}
		mode := uint32(n.Mode.Perm())
		for bit, m := range map[fs.FileMode]uint32{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
			if n.Mode&bit != 0 {
				mode |= m
			}
		}
		f := file{kind: n.Mode.Type(), mode: mode, uid: uint32(n.UID), gid: uint32(n.GID), time: n.ModTime, size: n.Size, attributes: n.Xattrs}
		switch n.Mode.Type() {
		case 0:
			b, err := tree.ReadFile(name)
			if err != nil {
				return err
			}
			f.sum = fmt.Sprintf("%x", sha256.Sum256(b))
		case fs.ModeSymlink:
			f.sum, f.mode = n.Link, 0
		case fs.ModeDevice, fs.ModeDevice | fs.ModeCharDevice:
			f.rdev = unix.Mkdev(n.DevMajor, n.DevMinor)
		}
		all[name] = f
		return nil
	}))
	return all
}

// compareChanges checks that what is told of the top layer is what differs: all that was
// added or deleted, and of what has changed at least what can be seen.
func compareChanges(t *testing.T, layers []*cstor.Layer, before, after map[string]file) {
	t.Helper()
	got := map[string]changes.Kind{}
	for c, err := range changes.Of(t.Context(), layers, changes.Options{}) {
		if err != nil {
			t.Error(err)
			return
		}
		name := strings.TrimPrefix(c.Path, "/")
		if old, again := got[name]; again {
			t.Errorf("%s again: %s", c, old)
		}
		got[name] = c.Kind
	}
	for name, f := range after {
		old, was := before[name]
		kind, told := got[name]
		f.first, old.first = "", ""
		f.time, old.time = f.time.UTC(), old.time.UTC()
		switch {
		case name == ".":
		case !was && kind != changes.Added:
			t.Errorf("%s was added: %q", name, kind)
		case was && f.kind != fs.ModeDir && !told && f.String() != old.String():
			t.Errorf("%s has changed: %s, was %s", name, f, old)
		case was && kind == changes.Added:
			t.Errorf("%s was not added", name)
		}
	}
	for name := range before {
		_, is := after[name]
		_, up := after[filepath.Dir(name)]
		if kind := got[name]; !is && up && kind != changes.Deleted && after[filepath.Dir(name)].kind == fs.ModeDir {
			t.Errorf("%s was deleted: %q", name, kind)
		}
	}
	for name, kind := range got {
		_, is := after[name]
		_, was := before[name]
		if kind == changes.Deleted && !was || kind != changes.Deleted && !is {
			t.Errorf("%s %s: was there: %t, is: %t", kind, name, was, is)
		}
	}
}
