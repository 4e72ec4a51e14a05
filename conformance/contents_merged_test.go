package conformance

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cstor-go/cstor"

	"github.com/cstor-go/cstor/conformance/contents"
	"github.com/cstor-go/cstor/conformance/corpus"
	"github.com/cstor-go/cstor/conformance/fixture"
	"github.com/cstor-go/cstor/conformance/peers"
)

// TestMerged compares, for every image of every store, the tree that package merge makes of the tars' headers with what a
// mount of the same layers shows, path by path and field by field.
func TestMerged(t *testing.T) {
	needRoot(t)
	found := newFindings(mergedExceptions)
	t.Run("stores", func(t *testing.T) {
		for _, c := range contentStores {
			t.Run(c.Name, func(t *testing.T) {
				t.Parallel()
				s := built(t, c)
				images, paths := 0, 0
				eachImage(t, c, s, func(name string, layers []*cstor.Layer) {
					x := look(t, c, name, layers)
					m := mounted(t, c, s, name, layers)
					x.by = m.by
					want := asSeen(t, c, name, m.tree)
					images, paths = images+1, paths+len(want)
					found.explain(t, x, contents.Differences(want, x.tree))
				})
				found.end()
				t.Logf("%d images and containers, %d paths", images, paths)
			})
		}
	})
	t.Run("umoci", func(t *testing.T) {
		for _, name := range []string{"machine-contents", "sid-contents"} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				mergedByUmoci(t, name, found)
			})
		}
	})
	found.conclude(t, len(contentStores)+2)
}

// headersFrom are stores from which the headers of an image are taken, the first that has it: not every tool takes every image.
var headersFrom = []string{
	"machine-contents", "sid-contents", "machine-root", "sid-root", "sid-contents-vfs", "sid-contents-fuse", "library-root", "library-root-vfs",
}

// mergedByUmoci compares with what umoci has unpacked.
func mergedByUmoci(t *testing.T, name string, found *findings) {
	c, s := contentStore(t, name)
	if _, err := os.Stat(s.Unpacked()); err != nil && !peers.Required(c.Peer) {
		t.Skipf("install umoci: %v", err)
	}
	c.Name = "umoci of " + c.Peer
	waiting := umociRoots(t, s)
	unpacked := len(waiting)
	compare := func(id string, layers []*cstor.Layer) {
		root, ok := waiting[id]
		if !ok {
			return
		}
		delete(waiting, id)
		x := look(t, c, id, layers)
		x.by = contents.Umoci
		want, err := contents.OnDisk(root)
		if err != nil {
			t.Fatal(err)
		}
		found.explain(t, x, contents.Differences(want, x.tree))
	}
	for _, i := range fixture.Images() {
		if len(i.Layers) == 0 {
			compare(i.ID(), nil)
		}
	}
	for _, name := range headersFrom {
		from, ok := there(t, name)
		if !ok {
			continue
		}
		eachImage(t, c, from, compare)
	}
	found.end()
	for id, root := range waiting {
		t.Errorf("umoci unpacked %s (%s), which is in no store", id, root)
	}
	t.Logf("%d images", unpacked)
	if unpacked < len(fixture.Images())+len(fixture.Stacks())-8 {
		t.Error("too few to say anything")
	}
}

// umociRoots returns where the images lie that umoci unpacked, by id.
func umociRoots(t *testing.T, s *corpus.Store) map[string]string {
	t.Helper()
	roots := map[string]string{}
	add := func(id string, names ...string) {
		root := filepath.Join(append(append([]string{s.Unpacked()}, names...), "rootfs")...)
		if _, err := os.Stat(root); err == nil {
			roots[id] = root
		}
	}
	for _, i := range fixture.Images() {
		add(i.ID(), "oci", i.Ref)
	}
	for _, i := range fixture.Stacks() {
		add(i.ID(), "stacks", i.Name)
	}
	return roots
}
