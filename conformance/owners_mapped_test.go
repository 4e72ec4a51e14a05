package conformance

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cstor-go/cstor"

	"github.com/cstor-go/cstor/conformance/answer"
)

// TestOwnersOfMapped: stores of all three generations have two containers with id maps that were never run, one of which has
// a layer of its image chowned for it. Root has copied a file into each.
func TestOwnersOfMapped(t *testing.T) {
	for _, name := range []string{"machine-root-mapped", "trixie-root-mapped", "sid-root-mapped"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := answer.OpenCstor(t.Context(), named(t, name))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for c, err := range s.Containers() {
				if err != nil {
					t.Fatal(err)
				}
				layers, err := c.Layers()
				if err != nil {
					t.Fatal(err)
				}
				own, top := layers[len(layers)-1], layers[len(layers)-2]
				if n, err := own.Lstat("etc/copied"); err != nil || n.UID != 0 || n.GID != 0 {
					t.Errorf("%s: etc/copied: %+v, %v", c, n, err)
				}
				if n, err := own.Lstat("."); err != nil || n.UID != 0 || n.GID != 0 {
					t.Errorf("%s: root: %+v, %v", c, n, err)
				}
				if c.String() != "shifted" {
					continue
				}
				if len(top.UIDMap()) == 0 {
					if name != "machine-root-mapped" { // Debian 12's podman does not ask whether it may not use idmapped mounts
						t.Errorf("%s: layer %s has no map", c, top)
					}
					continue
				}
				checked := 0
				for e, err := range top.Entries(t.Context()) {
					if err != nil {
						t.Fatal(err)
					}
					n, err := top.Lstat(e.Name)
					if err != nil || n.Hides != "" {
						continue // a whiteout
					}
					if checked++; int64(n.UID) != e.UID || int64(n.GID) != e.GID {
						t.Errorf("layer %s: %s is of %d:%d, and by its tar of %d:%d", top, e.Name, n.UID, n.GID, e.UID, e.GID)
					}
				}
				if checked == 0 {
					t.Errorf("layer %s: nothing was looked at", top)
				}
			}
		})
	}
}

// inContainer is how a container with these maps sees an owner in a layer of its image. Ids that it does not have are nobody.
// Where the image was chowned, an id that is that of the container's root outside was left as it is (container-libs
// storage/pkg/idtools/idtools.go:ToHostOverflow), and cstor says of such a file in a layer further down what the image says.
func (m idMaps) inContainer(owner string) string {
	var uid, gid int
	if _, err := fmt.Sscanf(owner, "%d:%d", &uid, &gid); err != nil {
		return owner
	}
	see := func(id int, ranges []cstor.IDMap) int {
		for _, r := range ranges {
			if m.Chowned && r.ContainerID == 0 && r.HostID == id {
				return 0
			}
		}
		has := func(r cstor.IDMap) bool { return id >= r.ContainerID && id < r.ContainerID+r.Size }
		if len(ranges) > 0 && !slices.ContainsFunc(ranges, has) {
			return 65534
		}
		return id
	}
	return fmt.Sprintf("%d:%d", see(uid, m.UIDs), see(gid, m.GIDs))
}
