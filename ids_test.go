package cstor_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/storetest"
)

// ownedSpec is an image whose files belong to many, and a container's layer over it.
const ownedSpec = `
layer base
  dir     etc 0755
  dir     srv 0755 33:34
  file    etc/root 0644 "r"
  file    srv/www 0640 33:34 "w"
  file    srv/suid 04755 1:2 "s"
  symlink srv/link www 33:34
  file    srv/nobody 0644 65534:65534 "n"
  file    srv/last 0644 65536:65536 "l"
  hardlink srv/again srv/www 0640 33:34
layer own parent=base container
  dir      srv 0755 33:34
  file     srv/new 0644 5:6 "new"
  whiteout srv/nobody
image localhost/owned:1 layer=base
container work image=localhost/owned:1 layer=own
`

// ownedLayers are the store's layers in which owners are looked at.
func ownedLayers(t *testing.T, s *cstor.Storage) (base, own *cstor.Layer) {
	t.Helper()
	c, err := s.Container("work")
	check(t, err)
	layers, err := c.Layers()
	check(t, err)
	return layers[0], layers[1]
}

// owners lists the owners that a layer's nodes have.
func owners(t *testing.T, l *cstor.Layer) map[string]string {
	t.Helper()
	all := map[string]string{}
	for n, err := range driver.Walk(l) {
		check(t, err)
		if n.Hides == "" {
			all[n.Name] = fmt.Sprintf("%d:%d", n.UID, n.GID)
		}
	}
	return all
}

// entryOwners lists those of its entries.
func entryOwners(t *testing.T, l *cstor.Layer) map[string]string {
	t.Helper()
	all := map[string]string{}
	for e, err := range l.Entries(t.Context()) {
		check(t, err)
		all[e.Name] = fmt.Sprintf("%d:%d", e.UID, e.GID)
	}
	return all
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: files of several owners")
	}
}

// builtStore builds a store at a place that the test chooses.
func builtStore(t *testing.T, dir, spec string, opts storetest.Options) *storetest.Store {
	t.Helper()
	s, err := storetest.Build(dir, spec, opts)
	check(t, err)
	t.Cleanup(func() { check(t, s.Remove()) })
	return s
}

// idMaps is the value of a record's uidmap and gidmap: container id, host id and size of
// each range.
func idMaps(ranges ...int64) any {
	var list []any
	for ; len(ranges) > 0; ranges = ranges[3:] {
		list = append(list, map[string]any{"container_id": ranges[0], "host_id": ranges[1], "size": ranges[2]})
	}
	return list
}

// TestIDsOfContainers: layers of containers with id maps, as podman leaves them.
func TestIDsOfContainers(t *testing.T) {
	t.Parallel()
	needRoot(t)
	record := func(m any) func(map[string]any) {
		return func(r map[string]any) {
			if two, ok := m.([2]any); ok {
				r["uidmap"], r["gidmap"] = two[0], two[1]
			} else {
				r["uidmap"], r["gidmap"] = m, m
			}
		}
	}
	add := func(n int) func(int) int { return func(id int) int { return id + n } }
	set := func(n int) func(int) int { return func(int) int { return n } }
	plain, split := idMaps(0, 200000, 65536), idMaps(0, 200000, 30, 30, 300000, 100)
	keepID := idMaps(0, 1, 1000, 1000, 0, 1, 1001, 1001, 64536)
	rootKept := idMaps(0, 0, 1, 1, 200000, 30, 31, 300000, 100)
	native, fuse, masked := storetest.Options{}, storetest.Options{Whiteouts: storetest.WhiteoutsFiles}, storetest.Options{ForceMask: 0o755}
	rootKeptContiguous := idMaps(0, 0, 1, 1, 51, 50, 51, 1, 50)
	toRootKept := func(id int) int {
		switch {
		case id == 0:
			return 0
		case id <= 30:
			return 200000 + id - 1
		}
		return 300000 + id - 31
	}
	var tooMany []int64
	for i := range int64(340) {
		tooMany = append(tooMany, 1000+i, 400000+i, 1)
	}
	toKeepID := func(id int) int {
		if id == 1000 {
			return 0
		}
		return id + 1
	}
	cases := []struct {
		name             string
		opts             storetest.Options
		layer, container any               // maps that are recorded
		tree             func(int) int     // how the tree is owned; nil: as the container sees it
		diff, folder     func(int) int     // how its root, and the layer's folder
		want             map[string]string // of "srv", "srv/new", "."; nil: as without maps
	}{
		{name: "no maps", opts: native},
		{name: "idmapped mount, up to 1.62", opts: native, container: plain, tree: add(200000)},
		{name: "idmapped mount, from 1.63 on", opts: native, layer: plain, container: plain, tree: add(200000)},
		{name: "the container is gone", opts: native, layer: plain, tree: add(200000)},
		{name: "idmapped, never mounted", opts: native, layer: plain, container: plain},
		{name: "chowned", opts: native, layer: plain, container: plain, tree: add(200000), folder: set(200000)},
		{
			name: "chowned, and then the container has chowned its root", opts: native, layer: plain, container: plain, tree: add(200000), folder: set(200000), diff: set(200007),
			want: map[string]string{".": "7:7"},
		},
		{
			name: "written by root of the machine", opts: native, container: plain, tree: func(id int) int { return map[bool]int{true: 5, false: 200000 + id}[id == 5] },
			want: map[string]string{"srv/new": "65534:6"},
		},
		{name: "keep-id", opts: native, layer: keepID, container: keepID, tree: toKeepID, folder: set(1)},
		{name: "root is root outside", opts: native, layer: rootKept, container: rootKept, tree: toRootKept},
		{name: "mount program, contiguous", opts: fuse, container: plain},
		{name: "mount program, contiguous, recorded", opts: fuse, layer: plain, container: plain},
		{
			name: "mount program, mounted and not run", opts: fuse, layer: plain, container: plain, diff: set(200000),
			want: map[string]string{".": "65534:65534"},
		},
		{name: "mount program, keep-id", opts: fuse, layer: keepID, container: keepID},
		{
			name: "mount program, two ranges", opts: fuse, layer: split, container: split, folder: set(200000),
			tree: func(id int) int { return map[bool]int{true: 200000 + id, false: 300000 + id - 30}[id < 30] },
		},
		{name: "mount program, chowned all the same", opts: fuse, layer: plain, container: plain, tree: add(200000), folder: set(200000)},
		{name: "masked, contiguous", opts: masked, container: plain, diff: set(200000)},
		{name: "vfs", opts: storetest.Options{Driver: "vfs"}, layer: plain, container: plain, tree: add(200000)},
		{name: "vfs, recorded with the container alone", opts: storetest.Options{Driver: "vfs"}, container: plain, tree: add(200000)},
		{
			name: "a map that maps nothing on disk", opts: storetest.Options{Driver: "vfs"}, container: plain,
			want: map[string]string{".": "65534:65534", "srv": "65534:65534", "srv/new": "65534:65534"},
		},
		{name: "mount program, contiguous, root is root outside", opts: fuse, layer: rootKeptContiguous, container: rootKeptContiguous},
		{name: "mount program, two ranges, root is root outside", opts: fuse, layer: rootKept, container: rootKept, tree: toRootKept},
		{
			name: "another map of groups", opts: native, container: [2]any{plain, idMaps(0, 199990, 65536)}, tree: add(200000),
			want: map[string]string{".": "0:10", "srv": "33:44", "srv/new": "5:16"},
		},
		{
			name: "ranges beyond what the kernel takes", opts: storetest.Options{Driver: "vfs"}, container: idMaps(append(tooMany, 0, 200000, 65536)...), tree: add(200000),
			want: map[string]string{".": "65534:65534", "srv": "65534:65534", "srv/new": "65534:65534"},
		},
		{name: "ranges that cannot be", opts: native, container: idMaps(-1, 5, 10, 0, -5, 7, 0, 4294967290, 10, 0, 0, -3, 0, 0, 1<<33)},
	}
	const spec = `
layer base
  dir  srv 0755 33:34
layer own parent=base container
  dir  srv 0755 33:34
  file srv/new 0644 5:6 "new"
image localhost/owned:1 layer=base
container work image=localhost/owned:1 layer=own
`
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			made := storetest.New(t, spec, c.opts)
			info := made.Layer("own")
			rel := func(path string) string {
				r, err := filepath.Rel(made.Root, path)
				check(t, err)
				return r
			}
			if c.layer != nil {
				made.Apply(t, storetest.EditLayer("own", record(c.layer)))
			}
			if c.container != nil {
				made.Apply(t, storetest.EditContainer("work", record(c.container)))
			}
			if c.tree != nil {
				made.Apply(t, storetest.Rechown(rel(info.Diff), c.tree))
			}
			if c.diff != nil {
				made.Apply(t, storetest.RechownOne(rel(info.Diff), c.diff))
			}
			if c.folder != nil {
				made.Apply(t, storetest.RechownOne(rel(info.Dir), c.folder))
			}
			want := map[string]string{".": "0:0", "srv": "33:34", "srv/new": "5:6"}
			maps.Copy(want, c.want)
			_, own := ownedLayers(t, open(t, made))
			if diff := cmp.Diff(want, owners(t, own)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestIDsOfMappedLayers: an image's layer that was copied for other owners.
func TestIDsOfMappedLayers(t *testing.T) {
	t.Parallel()
	needRoot(t)
	for _, opts := range []storetest.Options{{}, {Driver: "vfs"}} {
		made := storetest.New(t, `
layer base
  dir  srv 0755 33:34
  file srv/low 0644 7:8 "low"
layer top parent=base
  file srv/top 0644 5:6 "top"
layer shifted mapped=top
`, opts)
		if info := made.Layer("shifted"); made.Driver == "overlay" { // the record counts, not the folder's owner
			rel, err := filepath.Rel(made.Root, info.Dir)
			check(t, err)
			made.Apply(t, storetest.RechownOne(rel, func(int) int { return 0 }), storetest.RechownOne(rel+"/diff", func(int) int { return 0 }))
		}
		s := open(t, made)
		l, err := s.Layer(made.Layer("shifted").ID)
		check(t, err)
		for name, want := range map[string]string{"srv": "33:34", "srv/low": "7:8", "srv/top": "5:6"} {
			n, err := l.Lstat(name)
			check(t, err)
			if got := fmt.Sprintf("%d:%d", n.UID, n.GID); got != want {
				t.Errorf("%s: %s is of %s, want %s", made.Driver, name, got, want)
			}
		}
	}
}
