package imagefs_test

import (
	"io/fs"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/imagefs"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/merge"
	"github.com/cstor-go/cstor/tarsplit"
)

// TestLinkBelow: a hard link of a layer to what only a layer below it has. Only vfs takes
// such a layer, as it has the file.
func TestLinkBelow(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, `
layer base
  file a 0640 3:4 "below\n"
layer top parent=base
  dir d 0755
  hardlink d/b a 0640 3:4
  file c 0644 "c\n"
image localhost/x:1 layer=top
`, storetest.Options{Driver: "vfs"})
	s, err := cstor.Open(t.Context(), made.Root, cstor.Options{})
	check(t, err)
	defer s.Close()
	l, err := s.Layer(made.Layer("top").ID)
	check(t, err)
	fsys, err := imagefs.New([]*cstor.Layer{l}, imagefs.Options{})
	check(t, err)
	if diff := cmp.Diff([]string{". d", "c f c\n", "d d", "d/b f below\n"}, walked(t, fsys)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	info, err := fs.Stat(fsys, "d/b")
	check(t, err)
	if info.Size() != 6 || info.Mode() != 0o640 {
		t.Errorf("%v", info)
	}
}

// TestCompleteLinks: what the disk tells of hard links to what only a layer below has.
func TestCompleteLinks(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, `
layer base
  file a 0640 "below\n"
  symlink s /x
  fifo p 0600
  file k 0600 "no socket"
layer top parent=base
  hardlink d/a a 0640
  hardlink d/s s
  hardlink d/p p 0600
  hardlink d/k k 0600
image localhost/x:1 layer=top
`, storetest.Options{Driver: "vfs"})
	socket := made.Layer("top").Diff + "/d/k"
	check(t, os.Remove(socket))
	check(t, unix.Mknod(socket, unix.S_IFSOCK|0o600, 0))
	s, err := cstor.Open(t.Context(), made.Root, cstor.Options{})
	check(t, err)
	defer s.Close()
	l, err := s.Layer(made.Layer("top").ID)
	check(t, err)
	layers := []*cstor.Layer{l}
	fsys, err := imagefs.New(layers, imagefs.Options{})
	check(t, err)
	tree, err := imagefs.Merge(t.Context(), layers, imagefs.MergeOptions{Options: merge.Options{Alone: true}})
	check(t, err)
	for name, want := range map[string]tarsplit.Entry{
		"d/a": {Type: '0', Mode: 0o640, Size: 6},
		"d/s": {Type: '2', Mode: 0o777, Linkname: "/x"},
		"d/p": {Type: '6', Mode: 0o600},
		"d/k": {Type: '1', Mode: 0o600, Linkname: "k"},
	} {
		n, _ := tree.Lookup(name)
		check(t, fsys.Complete(&n))
		got := tarsplit.Entry{Type: n.Entry.Type, Mode: n.Entry.Mode, Size: n.Entry.Size, Linkname: n.Entry.Linkname}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
}
