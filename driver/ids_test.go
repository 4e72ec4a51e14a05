package driver_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/idmap"
	"github.com/cstor-go/cstor/internal/storetest"
)

// TestIDs: what stat tells takes both steps, what an attribute tells the second alone.
func TestIDs(t *testing.T) {
	t.Parallel()
	needRoot(t)
	both := func(m idmap.Map) idmap.Maps { return idmap.Maps{UIDs: m, GIDs: m} }
	disk := both(idmap.Map{{Inside: 0, Outside: 1000, Size: 1}, {Inside: 1, Outside: 100000, Size: 65536}})
	layer := both(idmap.Map{{Inside: 0, Outside: 200, Size: 100}})
	const override = "user.containers.override_stat"
	cases := []struct {
		name     string
		ids      driver.IDs
		uid, gid int    // on disk
		stat     string // override_stat
		wantUID  int
		wantGID  int
	}{
		{name: "no map", uid: 7, gid: 100000, wantUID: 7, wantGID: 100000},
		{name: "a user's", ids: driver.IDs{Disk: disk}, uid: 1000, gid: 100032, wantUID: 0, wantGID: 33},
		{name: "nobody's", ids: driver.IDs{Disk: disk}, uid: 0, gid: 99999, wantUID: 65534, wantGID: 65534},
		{name: "a container's", ids: driver.IDs{Layer: layer}, uid: 205, gid: 300, wantUID: 5, wantGID: 65534},
		{name: "a user's container's", ids: driver.IDs{Disk: disk, Layer: layer}, uid: 100199, gid: 100200, wantUID: 0, wantGID: 1},
		{name: "of the user's namespace, not of the container's", ids: driver.IDs{Disk: disk, Layer: layer}, uid: 1000, gid: 100000, wantUID: 65534, wantGID: 65534},
		{
			// 65534 is an id of this container, but not the one that nobody is.
			name: "nobody's, in a container with all ids", ids: driver.IDs{Disk: disk, Layer: both(idmap.Map{{Inside: 0, Outside: 65000, Size: 1000}})},
			uid: 5, gid: 165533, wantUID: 65534, wantGID: 534,
		},
		{
			name: "groups apart", ids: driver.IDs{Disk: idmap.Maps{UIDs: disk.UIDs}, Layer: idmap.Maps{GIDs: layer.GIDs}},
			uid: 100004, gid: 250, wantUID: 5, wantGID: 50,
		},
		{name: "masked", stat: "33:34:0644:file", uid: 7, gid: 8, wantUID: 33, wantGID: 34},
		{name: "a user's, masked", ids: driver.IDs{Disk: disk}, stat: "33:1000:0644:file", uid: 1000, gid: 1000, wantUID: 33, wantGID: 1000},
		{name: "a user's container's, masked", ids: driver.IDs{Disk: disk, Layer: layer}, stat: "205:100000:0644", uid: 1000, gid: 1000, wantUID: 5, wantGID: 65534},
		{name: "masked, no id", ids: driver.IDs{Disk: disk}, stat: "4294967295:5:0644", uid: 1000, gid: 1000, wantUID: 65534, wantGID: 5},
	}
	for _, driverName := range []string{"overlay", "vfs"} {
		info := storetest.New(t, "layer a\n  file f\n  symlink l f\n", storetest.Options{Driver: driverName}).Layer("a")
		for _, c := range cases {
			if c.stat != "" && driverName == "vfs" {
				continue // an attribute like others
			}
			for _, name := range []string{"f", "l"} {
				path := filepath.Join(info.Diff, name)
				if err := os.Lchown(path, c.uid, c.gid); err != nil {
					t.Fatal(err)
				}
				if c.stat != "" {
					if name == "l" {
						continue // cannot have one
					}
					setXattr(t, path, override, c.stat)
				}
				n, err := open(t, info, driver.OverlayOptions{IDs: c.ids}).Lstat(name)
				if err != nil {
					t.Fatal(err)
				}
				if n.UID != c.wantUID || n.GID != c.wantGID {
					t.Errorf("%s, %s, %s: %d:%d, want %d:%d", driverName, c.name, name, n.UID, n.GID, c.wantUID, c.wantGID)
				}
				if c.stat != "" {
					if err := unix.Lremovexattr(path, override); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
}

// TestIDsOfLowers: the folders below a copied layer's own belong to the same ids.
func TestIDsOfLowers(t *testing.T) {
	t.Parallel()
	needRoot(t)
	s := storetest.New(t, "layer top\n  file f 0644 5:6\n  file kept 0644 5:6\nlayer shifted mapped=top\n", storetest.Options{})
	m := idmap.Map{{Inside: 0, Outside: 100000, Size: 65536}}
	shifted := s.Layer("shifted")
	// What needed no change is in the template alone: here, with an id that stands for itself.
	kept := filepath.Join(shifted.Dir, "diff1", "kept")
	if err := os.Remove(kept); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Join(s.Layer("top").Diff, "kept"), 300000, 300000); err != nil {
		t.Fatal(err)
	}
	ids := idmap.Maps{UIDs: append(m, idmap.Range{Inside: 300000, Outside: 300000, Size: 1}), GIDs: m}
	l := open(t, shifted, driver.OverlayOptions{IDs: driver.IDs{Layer: ids}}, s.Layer("top"))
	for name, want := range map[string][2]int{"f": {5, 6}, "kept": {300000, 65534}} {
		n, err := l.Lstat(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]int{n.UID, n.GID}; got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
}
