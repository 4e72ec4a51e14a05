package extract

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Two kinds of attributes have ids in them, which an id map translates as it does owners:
// what an image grants to its user 1000 is not for the host's.
const (
	capability = "security.capability"
	aclPrefix  = "system.posix_acl_"
)

// attribute returns the value that an attribute of an entry shall have.
func (o *owners) attribute(key, value string) (string, error) {
	switch {
	case len(o.uids)+len(o.gids) == 0:
		return value, nil
	case key == capability:
		return o.capability(value)
	case strings.HasPrefix(key, aclPrefix):
		return o.acl(value)
	}
	return value, nil
}

// Capabilities of a file (linux include/uapi/linux/capability.h): revision and flags,
// four words of bits, and in revision 3 the id of the root of the namespace in which
// they count. Those of revision 2 count for the host's root.
const (
	capabilityMask = 0xFF000000
	capabilityV2   = 0x02000000
	capabilityV3   = 0x03000000
	capabilityRoot = 20 // where the id is
)

// capability makes capabilities those of the namespace whose ids the map has, as the
// kernel does when somebody in it sets them (linux security/commoncap.c:cap_convert_nscap).
func (o *owners) capability(value string) (string, error) {
	b := []byte(value)
	if len(b) < capabilityRoot {
		return value, nil
	}
	magic, root := binary.LittleEndian.Uint32(b), uint32(0)
	switch {
	case magic&capabilityMask == capabilityV2 && len(b) == capabilityRoot:
	case magic&capabilityMask == capabilityV3 && len(b) == capabilityRoot+4:
		root = binary.LittleEndian.Uint32(b[capabilityRoot:])
	default: // the kernel says what it thinks of it
		return value, nil
	}
	id, err := mapped(o.uids, int64(root))
	if err != nil {
		return "", fmt.Errorf("root of the capabilities, user %d: %w", root, err)
	}
	binary.LittleEndian.PutUint32(b, magic&^capabilityMask|capabilityV3)
	return string(binary.LittleEndian.AppendUint32(b[:capabilityRoot], id)), nil
}

// Access control lists (linux include/uapi/linux/posix_acl_xattr.h, posix_acl.h): a
// version, and for each entry its kind, permissions and id.
const (
	aclHeader = 4
	aclEntry  = 8
	aclUser   = 0x02
	aclGroup  = 0x08
)

func (o *owners) acl(value string) (string, error) {
	b := []byte(value)
	for at := aclHeader; at+aclEntry <= len(b); at += aclEntry {
		id, ranges, what := binary.LittleEndian.Uint32(b[at+4:]), o.uids, "user"
		switch binary.LittleEndian.Uint16(b[at:]) {
		case aclUser:
		case aclGroup:
			ranges, what = o.gids, "group"
		default:
			continue
		}
		id, err := mapped(ranges, int64(id))
		if err != nil {
			return "", fmt.Errorf("%s %d: %w", what, binary.LittleEndian.Uint32(b[at+4:]), err)
		}
		binary.LittleEndian.PutUint32(b[at+4:], id)
	}
	return string(b), nil
}
