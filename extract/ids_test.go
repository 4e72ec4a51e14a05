package extract_test

import (
	"encoding/binary"
	"errors"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/extract"
)

// accessList makes the value of an access control list for a user and a group beside the
// owners (linux include/uapi/linux/posix_acl_xattr.h).
func accessList(user, group uint32) string {
	const none = ^uint32(0)
	b := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range []struct {
		kind, permissions uint16
		id                uint32
	}{{0x01, 6, none}, {0x02, 7, user}, {0x04, 4, none}, {0x08, 4, group}, {0x10, 7, none}, {0x20, 4, none}} {
		b = binary.LittleEndian.AppendUint16(b, e.kind)
		b = binary.LittleEndian.AppendUint16(b, e.permissions)
		b = binary.LittleEndian.AppendUint32(b, e.id)
	}
	return string(b)
}

// fileCapability makes the value of one capability of a file, for a namespace's root or,
// if that is negative, the host's (linux include/uapi/linux/capability.h).
func fileCapability(root int64) string {
	revision := uint32(2)
	if root >= 0 {
		revision = 3
	}
	b := binary.LittleEndian.AppendUint32(nil, revision<<24|1)
	b = binary.LittleEndian.AppendUint32(b, 1<<10)
	b = append(b, make([]byte, 12)...)
	if root >= 0 {
		b = binary.LittleEndian.AppendUint32(b, uint32(root))
	}
	return string(b)
}

// TestMappedAttributes: with an id map, nothing in the image's attributes means an id of
// the host.
func TestMappedAttributes(t *testing.T) {
	t.Parallel()
	needRoot(t)
	entries := func(user, group uint32) string {
		return "layer l\n  file f 0674 0:0 \"x\"\n  xattr f system.posix_acl_access=" + strconv.QuoteToASCII(accessList(user, group)) +
			" security.capability=" + strconv.QuoteToASCII(fileCapability(-1)) + "\n" +
			"  file g 0644 0:0 \"x\"\n  xattr g security.capability=" + strconv.QuoteToASCII(fileCapability(7)) + "\n" +
			"image i layer=l\n"
	}
	opts := extract.Options{
		Reflink: extract.ReflinkAuto,
		UIDMap:  []cstor.IDMap{{ContainerID: 0, HostID: 5000, Size: 10}}, GIDMap: []cstor.IDMap{{ContainerID: 0, HostID: 7000, Size: 10}},
	}
	dir := filepath.Join(t.TempDir(), "out")
	_, err := extract.Dir(t.Context(), stackOf(t, entries(7, 9)), dir, opts)
	check(t, err)
	for name, want := range map[string]map[string]string{
		"f": {"system.posix_acl_access": accessList(5007, 7009), "security.capability": fileCapability(5000)},
		"g": {"security.capability": fileCapability(5007)},
	} {
		got, err := attributes(filepath.Join(dir, name))
		check(t, err)
		for key, value := range want {
			if got[key] != value {
				t.Errorf("%s: %s is %q, not %q", name, key, got[key], value)
			}
		}
	}
	for _, ids := range [][2]uint32{{10, 9}, {7, 10}} {
		_, err := extract.Dir(t.Context(), stackOf(t, entries(ids[0], ids[1])), filepath.Join(t.TempDir(), "out"), opts)
		if entry := (*extract.EntryError)(nil); !errors.Is(err, extract.ErrUnmapped) || !errors.As(err, &entry) || entry.Name != "f" {
			t.Errorf("%v: error %v", ids, err)
		}
	}
	// Without a map they stay as they are.
	dir = filepath.Join(t.TempDir(), "out")
	layers := stackOf(t, entries(7, 9))
	_, err = extract.Dir(t.Context(), layers, dir, copying)
	check(t, err)
	compare(t, survey(t, dir), want(t, layers))
}
