package driver

import (
	"encoding/binary"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor/internal/idmap"
)

// le is words of 16 and 32 bits as the kernel keeps them.
func le(words ...any) string {
	var b []byte
	for _, w := range words {
		switch w := w.(type) {
		case uint16:
			b = binary.LittleEndian.AppendUint16(b, w)
		case uint32:
			b = binary.LittleEndian.AppendUint32(b, w)
		}
	}
	return string(b)
}

// TestIDsInXattrs: values that the kernel shows otherwise in another namespace.
func TestIDsInXattrs(t *testing.T) {
	t.Parallel()
	type attrs = map[string]string
	user := idmap.Map{{Inside: 0, Outside: 1000, Size: 1}, {Inside: 1, Outside: 100000, Size: 65536}}
	groups := idmap.Map{{Inside: 0, Outside: 1000, Size: 1}, {Inside: 1, Outside: 200000, Size: 65536}}
	container := idmap.Map{{Inside: 0, Outside: 100, Size: 1000}}
	usual := IDs{Disk: idmap.Maps{UIDs: user, GIDs: groups}}
	nested := IDs{Disk: usual.Disk, Layer: idmap.Maps{UIDs: container, GIDs: container}}
	bits := []any{uint32(0x400), uint32(0), uint32(0), uint32(0)}
	v2 := func(flags uint32) string { return le(append([]any{0x02000000 | flags}, bits...)...) }
	v3 := func(flags, root uint32) string {
		return le(append(append([]any{0x03000000 | flags}, bits...), root)...)
	}
	acl := func(user, group uint32) string {
		return le(uint32(2), uint16(0x01), uint16(6), uint32(1<<32-1), uint16(0x02), uint16(7), user,
			uint16(0x04), uint16(4), uint32(1<<32-1), uint16(0x08), uint16(5), group, uint16(0x10), uint16(7), uint32(1<<32-1))
	}
	const access, inherited = "system.posix_acl_access", "system.posix_acl_default"
	cases := []struct {
		name      string
		ids       IDs
		have, out attrs
	}{
		{name: "no attributes", ids: usual},
		{name: "no maps", have: attrs{capability: v3(1, 1000), access: acl(1000, 1000)}, out: attrs{capability: v3(1, 1000), access: acl(1000, 1000)}},
		{name: "of the user", ids: usual, have: attrs{capability: v3(1, 1000)}, out: attrs{capability: v2(1)}},
		{name: "of one of his ids", ids: usual, have: attrs{capability: v3(0, 100099)}, out: attrs{capability: v3(0, 100)}},
		{name: "of a container's root", ids: nested, have: attrs{capability: v3(1, 100099)}, out: attrs{capability: v2(1)}},
		{name: "of somebody in a container", ids: nested, have: attrs{capability: v3(1, 100104)}, out: attrs{capability: v3(1, 5)}},
		{name: "of the user, in a container without him", ids: nested, have: attrs{capability: v3(1, 1000)}, out: attrs{capability: v2(1)}},
		{name: "of root", ids: usual, have: attrs{capability: v3(1, 0)}, out: attrs{capability: v2(1)}},
		{name: "of nobody", ids: usual, have: attrs{capability: v3(1, 5), "user.k": "v"}, out: attrs{"user.k": "v"}},
		{name: "of nobody in a container", ids: nested, have: attrs{capability: v3(1, 100000), "user.k": "v"}, out: attrs{"user.k": "v"}},
		{name: "that count everywhere", ids: usual, have: attrs{capability: v2(1)}, out: attrs{capability: v2(1)}},
		{name: "of an unknown revision", ids: usual, have: attrs{capability: "\x01\x00\x00\x04" + v3(1, 1000)[4:]}, out: attrs{capability: "\x01\x00\x00\x04" + v3(1, 1000)[4:]}},
		{name: "cut off", ids: usual, have: attrs{capability: v3(1, 1000)[:23], access: acl(1000, 1000)[:11]}, out: attrs{capability: v3(1, 1000)[:23], access: acl(1000, 1000)[:11]}},
		{name: "empty", ids: usual, have: attrs{capability: "", access: "", inherited: "abc"}, out: attrs{capability: "", access: "", inherited: "abc"}},
		{name: "lists", ids: usual, have: attrs{access: acl(100004, 200006), inherited: acl(1000, 5)}, out: attrs{access: acl(5, 7), inherited: acl(0, 1<<32-1)}},
		{name: "lists in a container", ids: nested, have: attrs{access: acl(100104, 200105), inherited: acl(1000, 1000)}, out: attrs{access: acl(5, 6), inherited: acl(1<<32-1, 1<<32-1)}},
	}
	for _, c := range cases {
		got := maps.Clone(c.have)
		c.ids.xattrs(got)
		if diff := cmp.Diff(c.out, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
