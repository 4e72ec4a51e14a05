package cstor

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/idmap"
	"github.com/cstor-go/cstor/internal/ondisk"
	"github.com/cstor-go/cstor/internal/storageconf"
)

// Owners on disk are not always those that a container sees, for two reasons that have
// nothing to do with each other (docs/FORMAT.md, "Id maps and mapped layers"): an
// ordinary user's tools run in a user namespace, and we perhaps outside of it; and
// containers may have id maps of their own, in terms of the tools' namespace.

// storeIDs are the maps of the namespace in which the tools of a store run, if we are
// outside of it; otherwise none. system has the lists of users and their ids. With an
// error the maps are those of a user whom the lists that it is about do not have.
func storeIDs(system storageconf.FS, p *place) (idmap.Maps, error) {
	// The tools made this one; the root may have been made for them.
	st, err := p.root.Lstat(p.driver + "-layers")
	if errors.Is(err, fs.ErrNotExist) {
		st, err = p.root.Lstat(p.driver + "-images")
	}
	if err != nil || st.Uid == 0 { // root's, or that of the user whom our namespace makes root
		return idmap.Maps{}, err
	}
	own := idmap.Own()
	if st.Uid == idmap.Overflow && !own.UIDs.Has(idmap.SubRange{Count: idmap.None}) {
		return idmap.Maps{}, nil // somebody whom our namespace does not have
	}
	user, ok, err := storageconf.UserByID(system, int(st.Uid))
	if err != nil || !ok || user.GID < 0 {
		user.GID = int(st.Gid)
	}
	uids, uidErr := subordinate(system, "/etc/subuid", st.Uid, user.Name)
	gids, gidErr := subordinate(system, "/etc/subgid", st.Uid, user.Name)
	err = errors.Join(unreadable(err), uidErr, gidErr)
	lacks := func(own idmap.Map) func(idmap.SubRange) bool {
		return func(r idmap.SubRange) bool { return !own.Has(r) }
	}
	if slices.ContainsFunc(uids, lacks(own.UIDs)) || slices.ContainsFunc(gids, lacks(own.GIDs)) {
		return idmap.Maps{}, err // we are in a namespace, and the lists speak of ids outside
	}
	if len(uids) == 0 || len(gids) == 0 {
		// Then podman does with the user's own ids (pkg/rootless/rootless_linux.go:becomeRootInUserNS).
		uids, gids = nil, nil
	}
	var m idmap.Maps
	var err1, err2 error
	m.UIDs, err1 = idmap.ForUser(st.Uid, uids)
	m.GIDs, err2 = idmap.ForUser(uint32(user.GID), gids)
	if err1 != nil || err2 != nil { // nobody could have had such a namespace
		m.UIDs, _ = idmap.ForUser(st.Uid, nil)
		m.GIDs, _ = idmap.ForUser(uint32(user.GID), nil)
	}
	return m, err
}

// subordinate returns a user's ranges in one of the lists: none if there is no list, it is
// not for us to see, or what it says of him makes no sense.
func subordinate(system storageconf.FS, list string, uid uint32, name string) ([]idmap.SubRange, error) {
	text, err := system.ReadFile(list)
	if err != nil {
		return nil, unreadable(err)
	}
	ranges, err := idmap.Subordinate(text, uid, name)
	if err != nil {
		return nil, nil //nolint:nilerr // see above
	}
	return ranges, nil
}

// unreadable is what went wrong with a list, unless it is not there or not for us to see.
func unreadable(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}

// ids says what owners in the layer's tree mean.
func (l *Layer) ids(mountProgram bool) (driver.IDs, error) {
	disk, err := l.place.ids()
	if err != nil {
		return driver.IDs{}, err
	}
	ids := driver.IDs{Disk: disk}
	maps, err := l.idMaps()
	if err != nil || maps.IsZero() {
		return ids, err
	}
	ids.Layer = maps
	if l.place.driver == "overlay" && l.ofContainer() {
		ids.Layer, err = l.containerIDs(maps, mountProgram)
	}
	return ids, err
}

// ofContainer reports whether the layer came from no tar: it is the one into which a
// container writes.
func (l *Layer) ofContainer() bool { return l.rec.DiffDigest == "" && l.rec.TOCDigest == "" }

// idMaps are those that the layer was made for. Up to storage 1.62 a container's layer
// does not record them if the container is run on idmapped mounts, but the container
// does (container-libs storage/store.go:CreateContainer).
func (l *Layer) idMaps() (idmap.Maps, error) {
	uids, gids := l.rec.UIDMap, l.rec.GIDMap
	if l.ofContainer() {
		x, err := l.snap.containerIndex()
		if err != nil {
			return idmap.Maps{}, err
		}
		if c := x.byLayer[l.rec.ID]; c != nil && len(c.rec.UIDMap)+len(c.rec.GIDMap) > 0 {
			uids, gids = c.rec.UIDMap, c.rec.GIDMap
		}
	}
	return idmap.Maps{UIDs: recorded(uids), GIDs: recorded(gids)}, nil
}

// recorded is the map of a record, without ranges that cannot be.
func recorded(ranges []ondisk.IDMap) idmap.Map {
	var m idmap.Map
	for _, r := range ranges {
		inside, outside, size := int64(r.ContainerID), int64(r.HostID), int64(r.Size)
		if inside < 0 || outside < 0 || size <= 0 || max(inside, outside) > idmap.None-size || size > idmap.None || len(m) == idmap.MaxRanges {
			continue
		}
		m = append(m, idmap.Range{Inside: uint32(inside), Outside: uint32(outside), Size: uint32(size)})
	}
	return m
}

// containerIDs returns the maps by which the tree of a container's layer is owned, given
// the container's.
//
// The layer's folder belongs to the container's root if layers are chowned for it
// (container-libs storage/drivers/overlay/overlay.go:create). Otherwise a mount program
// maps ids itself, and writes those of the container; it can do so for contiguous maps
// (SupportsShifting). The kernel maps ids of lower layers alone (get): what it writes
// belongs to the ids outside, and diff to the container's root from the first mount on.
func (l *Layer) containerIDs(maps idmap.Maps, mountProgram bool) (idmap.Maps, error) {
	root := owner{maps.UIDs.Out(0), maps.GIDs.Out(0)}
	folder, err := l.ownerOf(".")
	switch {
	case err != nil:
		return idmap.Maps{}, err
	case root != owner{} && folder == root, mountProgram && !(maps.UIDs.IsContiguous() && maps.GIDs.IsContiguous()):
		return maps, nil
	case mountProgram:
		return idmap.Maps{UIDs: itself(maps.UIDs), GIDs: itself(maps.GIDs)}, nil
	}
	diff, err := l.ownerOf("diff")
	if err != nil || maps.UIDs.In(diff.uid) == idmap.None || maps.GIDs.In(diff.gid) == idmap.None {
		return idmap.Maps{}, err // never mounted, and empty
	}
	return maps, nil
}

type owner struct{ uid, gid uint32 }

// ownerOf returns the owner of something in the layer's folder, in terms of the tools'
// namespace.
func (l *Layer) ownerOf(name string) (owner, error) {
	item, err := l.item(name)
	return owner{item.UID, item.GID}, err
}

// itself is the map of a container's ids to themselves.
func itself(m idmap.Map) idmap.Map {
	same := slices.Clone(m)
	for i := range same {
		same[i].Outside = same[i].Inside
	}
	return same
}
