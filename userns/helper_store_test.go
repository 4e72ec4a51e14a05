package userns_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/imagefs"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/toc"
	"github.com/cstor-go/cstor/userns"
)

// rootless is a store of which its user may read next to nothing: files belong to his
// subordinate ids, and are closed to others.
const rootless = `
layer base
  dir      etc 0700 0:0
  file     etc/shadow 0000 0:42 "root:*:"
  file     etc/motd 0600 100:200 "hello"
  dir      home/me 0700 1000:1000
  file     home/me/private 0400 1000:1000 "mine"
  symlink  home/me/link private 1000:1000
  hardlink home/me/hard home/me/private
  xattr    etc/motd user.k=v
  fifo     run/pipe 0600 5:5
layer top parent=base
  dir      home/me 0700 1000:1000
  whiteout home/me/hard
  file     home/me/new 0000 1000:1000 "new"
image localhost/x:1 layer=top
`

// Options of stores that the roles make.
var rootlessForms = map[string]storetest.Options{"overlay": {}, "vfs": {Driver: "vfs"}, "flat": {Flat: true}}

func init() {
	userns.AddRole("test-make", makeRootless)
	userns.AddRole("test-describe", func(root string) {
		text, err := describe(context.Background(), root, cstor.Options{})
		fmt.Print(text)
		exit(err)
	})
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// makeRootless makes a store inside the namespace.
func makeRootless(told string) {
	form, root, _ := strings.Cut(told, " ")
	made, err := storetest.Build(root, rootless, rootlessForms[form])
	if err != nil {
		exit(err)
	}
	for _, l := range made.Layers() {
		if form == "overlay" { // as those of layers with id maps
			err = errors.Join(err, os.Chmod(l.Dir, 0o700), os.Chown(l.Dir, 1000, 1000))
		}
	}
	exit(err)
}

// describe tells all that can be read of a store.
func describe(ctx context.Context, root string, opts cstor.Options) (string, error) {
	s, err := cstor.Open(ctx, root, opts)
	if err != nil {
		return "", err
	}
	defer s.Close()
	image, err := s.Image("localhost/x:1")
	if err != nil {
		return "", err
	}
	layers, err := image.Layers()
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for _, l := range layers {
		if err := toc.Encode(&out, toc.Digests(ctx, files(ctx, l), toc.DigestOptions{}), toc.EncodeOptions{}); err != nil {
			return "", err
		}
		sum := sha256.New()
		report, err := l.WriteTar(ctx, sum, cstor.WriteOptions{CheckCRC: true})
		fmt.Fprintf(&out, "layer %s: %x %+v %v\n", l, sum.Sum(nil), report, err)
		for n, err := range driver.Walk(l) {
			if err != nil {
				return "", err
			}
			node := *n.Node
			node.Xattrs = nil
			fmt.Fprintf(&out, "%q %+v %v\n", n.Name, node, slices.Sorted(maps.Keys(n.Xattrs)))
		}
	}
	fsys, err := imagefs.New(layers, imagefs.Options{})
	if err != nil {
		return "", err
	}
	err = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		var content []byte
		if d.Type().IsRegular() {
			content, err = fs.ReadFile(fsys, name)
		}
		st, _ := info.Sys().(*imagefs.Stat)
		fmt.Fprintf(&out, "%s %v %d:%d %s\n", name, info.Mode(), st.UID, st.GID, content)
		return err
	})
	return out.String(), err
}

// files are the entries of a layer with their content, for a table of contents.
func files(ctx context.Context, l *cstor.Layer) iter.Seq2[toc.File, error] {
	return func(yield func(toc.File, error) bool) {
		for e, err := range l.Entries(ctx) {
			var f toc.File
			if err == nil {
				f.Entry, err = toc.From(e)
				f.Open = func() (*os.File, error) { return l.OpenFile(e.File) }
			}
			if !yield(f, err) {
				return
			}
		}
	}
}

// TestHelperReadsRootlessStore: through a helper process a program of the user reads
// what it could inside the namespace, with the same owners.
func TestHelperReadsRootlessStore(t *testing.T) {
	for form := range rootlessForms {
		t.Run(form, func(t *testing.T) {
			storetest.AsUserWithIDs(t, func(t *testing.T) { testRootless(t, form) })
		})
	}
}

func testRootless(t *testing.T, form string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "rootless-") //nolint:usetesting // the user could not remove it: root does
	check(t, err)
	root := filepath.Join(dir, "root")
	userns.InNamespace(t, "test-make", form+" "+root)
	want := userns.InNamespace(t, "test-describe", root)

	var h userns.Helper
	defer func() { check(t, h.Close()) }()
	open, err := os.Create(filepath.Join(dir, "of the parent's"))
	check(t, err)
	defer open.Close()
	_, err = unix.FcntlInt(open.Fd(), unix.F_SETFD, 0) // as C programs leave it
	check(t, err)
	got, err := describe(t.Context(), root, cstor.Options{Helper: &h})
	check(t, err)
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("(-inside +helped)\n%s", diff)
	}
	pids := h.Processes()
	if len(pids) != 1 {
		t.Fatalf("%d processes for one store", len(pids))
	}
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pids[0]))
	check(t, err)
	for _, fd := range files {
		to, err := os.Readlink(fd)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // it may have been closed just now
			t.Errorf("%s: %v", fd, err)
		}
		if strings.HasPrefix(to, dir) && !strings.HasPrefix(to, root) {
			t.Errorf("the helper process has %s open", to)
		}
	}
	if len(files) < 4 {
		t.Errorf("the helper process has %d files", len(files))
	}
	_, err = describe(t.Context(), root, cstor.Options{})
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("without help: %v: the test is void", err)
	}
}
