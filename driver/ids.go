package driver

import "github.com/cstor-go/cstor/internal/idmap"

// IDs say what owners on disk mean, in two steps. Without them owners are those on disk.
// They are plain data. An id that a map does not have becomes 65534, which is how the
// kernel shows it in a namespace without it.
type IDs struct {
	// Disk leads from ids on disk to those of the user namespace in which the store's
	// tools run, where that is not ours: the store of an ordinary user, seen from
	// outside. A process that is in the namespace leaves it out, since there the kernel
	// has taken this step.
	Disk idmap.Maps
	// Layer leads on from there to the ids of the container, or image, if the layer's
	// tree is owned by those that its container has outside of itself. Values of
	// override_stat take this step alone: who wrote them was in the namespace.
	Layer idmap.Maps
}

// fromDisk takes the first step for an owner that stat gave.
func (ids *IDs) fromDisk(n *Node) {
	n.UID = int(ids.Disk.UIDs.In(uint32(n.UID)))
	n.GID = int(ids.Disk.GIDs.In(uint32(n.GID)))
}

// toContainer takes the second step, and both for ids in attributes.
func (ids *IDs) toContainer(n *Node) {
	ids.xattrs(n.Xattrs)
	n.UID = inside(ids.Layer.UIDs, n.UID)
	n.GID = inside(ids.Layer.GIDs, n.GID)
}

func inside(m idmap.Map, id int) int {
	if uint32(id) != idmap.None {
		id = int(m.In(uint32(id)))
	}
	if uint32(id) == idmap.None {
		return idmap.Overflow
	}
	return id
}
