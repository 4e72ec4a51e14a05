package driver

import (
	"encoding/binary"

	"github.com/cstor-go/cstor/internal/idmap"
)

// Two kinds of attributes have ids in them, which the kernel translates as it does
// owners: in a namespace other values are read than outside.
const capability = "security.capability"

var acls = []string{"system.posix_acl_access", "system.posix_acl_default"}

// xattrs takes both steps for ids in attributes.
func (ids *IDs) xattrs(attrs map[string]string) {
	if ids.Disk.IsZero() && ids.Layer.IsZero() {
		return
	}
	if value, ok := attrs[capability]; ok {
		if value, ok = ids.capability(value); ok {
			attrs[capability] = value
		} else {
			delete(attrs, capability)
		}
	}
	for _, name := range acls {
		if value, ok := attrs[name]; ok {
			attrs[name] = ids.acl(value)
		}
	}
}

// both takes both steps.
func both(disk, layer idmap.Map, id uint32) uint32 {
	if id = disk.In(id); id == idmap.None {
		return id
	}
	return layer.In(id)
}

// Capabilities of a file (linux include/uapi/linux/capability.h): revision and flags,
// four words of bits, and in revision 3 the id of the root of the namespace in which
// they count.
const (
	capabilityMask = 0xFF000000
	capabilityV2   = 0x02000000
	capabilityV3   = 0x03000000
	capabilityRoot = 20 // where the id is
)

// capability translates the value of security.capability. Those that count for root of
// the container, or of a namespace around it, look there as if they were of revision 2;
// those of somebody whom the container does not have cannot be read there, and ok is
// false (linux security/commoncap.c:cap_inode_getsecurity, rootid_owns_currentns).
func (ids *IDs) capability(value string) (_ string, ok bool) {
	b := []byte(value)
	if len(b) != capabilityRoot+4 {
		return value, true
	}
	magic := binary.LittleEndian.Uint32(b)
	if magic&capabilityMask != capabilityV3 {
		return value, true
	}
	root := binary.LittleEndian.Uint32(b[capabilityRoot:])
	for _, m := range []idmap.Map{ids.Disk.UIDs, ids.Layer.UIDs} {
		if root != 0 && root != idmap.None {
			root = m.In(root)
		}
	}
	switch root {
	case idmap.None:
		return "", false
	case 0:
		binary.LittleEndian.PutUint32(b, magic&^capabilityMask|capabilityV2)
		return string(b[:capabilityRoot]), true
	}
	binary.LittleEndian.PutUint32(b[capabilityRoot:], root)
	return string(b), true
}

// Access control lists (linux include/uapi/linux/posix_acl_xattr.h, posix_acl.h): a
// version, and for each entry its kind, permissions and id.
const (
	aclHeader = 4
	aclEntry  = 8
	aclUser   = 0x02
	aclGroup  = 0x08
)

// acl translates the value of an access control list; ids that the container does not
// have are no ids (linux fs/posix_acl.c:posix_acl_to_xattr).
func (ids *IDs) acl(value string) string {
	b := []byte(value)
	for at := aclHeader; at+aclEntry <= len(b); at += aclEntry {
		id := binary.LittleEndian.Uint32(b[at+4:])
		switch binary.LittleEndian.Uint16(b[at:]) {
		case aclUser:
			id = both(ids.Disk.UIDs, ids.Layer.UIDs, id)
		case aclGroup:
			id = both(ids.Disk.GIDs, ids.Layer.GIDs, id)
		}
		binary.LittleEndian.PutUint32(b[at+4:], id)
	}
	return string(b)
}
