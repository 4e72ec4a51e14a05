package driver

import (
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor/internal/idmap"
)

func TestApply(t *testing.T) {
	t.Parallel()
	type attrs = map[string]string
	cases := []struct {
		name   string
		mode   fs.FileMode
		xattrs attrs
		want   Node // without Mode, if it is unchanged
		bad    bool
	}{
		{name: "none"},
		{name: "the image's", xattrs: attrs{"user.k": "v", "security.capability": "c", "user.empty": ""}, want: Node{Xattrs: attrs{"user.k": "v", "security.capability": "c", "user.empty": ""}}},
		{name: "the storage's", xattrs: attrs{
			"trusted.overlay.origin": "o", "user.overlay.impure": "y", "user.fuseoverlayfs.origin": "o", "trusted.overlay.opaque": "n",
		}},
		{name: "trusted, not the overlay's", xattrs: attrs{"trusted.k": "v"}, want: Node{Xattrs: attrs{"trusted.k": "v"}}},
		{name: "of an overlay inside", xattrs: attrs{"trusted.overlay.overlay.opaque": "y", "user.overlay.overlay.overlay.k": "v"}, want: Node{Xattrs: attrs{"trusted.overlay.opaque": "y", "user.overlay.overlay.k": "v"}}},
		{name: "masked", xattrs: attrs{maskPrefix + "security.capability": "c", maskPrefix + "trusted.overlay.opaque": "y"}, want: Node{Xattrs: attrs{"security.capability": "c", "trusted.overlay.opaque": "y"}}},
		{name: "masked beside the disk's", xattrs: attrs{maskPrefix + "security.selinux": "image", "security.selinux": "disk"}, want: Node{Xattrs: attrs{"security.selinux": "image"}}},
		{name: "no mask", xattrs: attrs{maskPrefix: "1", maskPrefix + "user.k": "2", "user.k": "3"}, want: Node{Xattrs: attrs{maskPrefix: "1", maskPrefix + "user.k": "2", "user.k": "3"}}},
		{name: "first spelling", xattrs: attrs{"security.fuseoverlayfs.override_stat": "1:0:0600", "user.containers.override_stat": "2:0:0", "user.fuseoverlayfs.override_stat": "bad"}, want: Node{Mode: 0o600, UID: 1}},
		{name: "second spelling", xattrs: attrs{"user.containers.override_stat": "2:0:0600", "user.fuseoverlayfs.override_stat": "3:0:0"}, want: Node{Mode: 0o600, UID: 2}},
		{name: "bad override", xattrs: attrs{"user.containers.override_stat": "x"}, bad: true},
		{name: "bad override of a link", mode: fs.ModeSymlink, xattrs: attrs{"user.containers.override_stat": "x"}},
		{name: "a directory stays one", mode: fs.ModeDir, xattrs: attrs{"user.containers.override_stat": "0:0:0755:file"}, bad: true},
		{name: "metacopy", xattrs: attrs{"user.overlay.metacopy": ""}, want: Node{Metacopy: true}},
		{name: "metacopy of a directory", mode: fs.ModeDir, xattrs: attrs{"user.overlay.metacopy": ""}},
		{name: "metacopy of a device kept as a file", xattrs: attrs{"user.overlay.metacopy": "", "user.containers.override_stat": "0:0:0600:char-1-3"}, want: Node{Mode: fs.ModeDevice | fs.ModeCharDevice | 0o600, DevMajor: 1, DevMinor: 3}},
		{name: "masked beside one of an overlay inside", xattrs: attrs{maskPrefix + "trusted.overlay.k": "image", "trusted.overlay.overlay.k": "inside"}, want: Node{Xattrs: attrs{"trusted.overlay.k": "image"}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for range 20 { // the order of a map must not show
				n := &Node{Mode: c.mode}
				if err := n.apply(c.xattrs); err != nil || c.bad {
					if (err != nil) != c.bad {
						t.Fatal(err)
					}
					return
				}
				if c.want.Mode == 0 {
					c.want.Mode = c.mode
				}
				if diff := cmp.Diff(&c.want, n); diff != "" {
					t.Fatalf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestMayBeRoot(t *testing.T) {
	t.Parallel()
	rootless := idmap.Map{{Inside: 0, Outside: 1000, Size: 1}, {Inside: 1, Outside: 100000, Size: 65536}}
	cases := []struct {
		name string
		uid  uint32
		ids  idmap.Map
		want bool
	}{
		{"the user", 0, rootless, false},
		{"a subordinate id", 33, rootless, false},
		{"the last one", 65536, rootless, false},
		{"not mapped", 65537, rootless, true},
		{"root outside looks like nobody", 65534, rootless, true},
		{"root itself", 0, idmap.Map{{Inside: 0, Outside: 0, Size: 1}}, true},
		{"root under another id", 7, idmap.Map{{Inside: 0, Outside: 1000, Size: 1}, {Inside: 5, Outside: 0, Size: 3}}, false},
		{"root under another id, exactly", 5, idmap.Map{{Inside: 0, Outside: 1000, Size: 1}, {Inside: 5, Outside: 0, Size: 3}}, true},
		{"no map", 0, nil, true},
		{"the end of the range of ids", 1<<32 - 1, idmap.Map{{Inside: 1<<32 - 1, Outside: 1, Size: 1<<32 - 1}}, false},
	}
	for _, c := range cases {
		if got := mayBeRoot(c.uid, c.ids); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
