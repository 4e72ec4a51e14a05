package driver

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// FuzzNames: a cleaned name is where a walk by components ends, which is never
// outside; cleaning again changes nothing. A whiteout hides what it is called after
// and nothing else.
func FuzzNames(f *testing.F) {
	for _, name := range []string{
		"", ".", "/", "a", "./a/", "/a//b/./c", "a/../b", "../a", "a/../../b/..", "..", "a/..", "...", "a\x00b", "\xff/\n",
		".wh.a", "d/.wh..wh..opq", ".wh.", ".wh..", ".wh...", ".wh....", ".wh..wh.a", "d/..wh.a", strings.Repeat("a/", 2048), strings.Repeat("a", 4095), strings.Repeat("a/../", 2000),
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		var parts []string
		for part := range strings.SplitSeq(name, "/") {
			switch {
			case part == "..":
				parts = parts[:max(len(parts)-1, 0)]
			case part != "" && part != ".":
				parts = append(parts, part)
			}
		}
		want := strings.Join(parts, "/")
		got, err := clean(name)
		if takes := len(want) < 4096 && !strings.Contains(name, "\x00"); takes != (err == nil) {
			t.Errorf("%q: %q, %v", name, got, err)
		}
		if err != nil {
			return
		}
		if again, err := clean(got); got != want || again != got || err != nil {
			t.Errorf("%q: %q, want %q; again %q, %v", name, got, want, again, err)
		}
		for _, part := range parts {
			hidden := hiddenByName(part)
			rest, mark := strings.CutPrefix(part, ".wh.")
			switch strange := slices.Contains([]string{"", ".", ".."}, rest) || strings.HasPrefix(rest, ".wh."); {
			case mark && !strange && hidden != rest, (!mark || strange) && hidden != "":
				t.Errorf("%q hides %q", part, hidden)
			}
		}
	})
}

// FuzzAttributes: an attribute of the image comes out as it was, by whichever way
// the storage put it away: by fuse-overlayfs behind a prefix, or by the kernel one
// "overlay." deeper. The storage's own do not.
func FuzzAttributes(f *testing.F) {
	for _, name := range []string{
		"user.k", "", "security.capability", "security.selinux", "trusted.k", "trusted.overlay.opaque", "trusted.overlay.overlay.opaque", "user.overlay.", "trusted.overlay.redirect",
		"user.fuseoverlayfs.opaque", "user.containers.override_stat", "user.containers.override_", "user.containers.override_stats", "security.fuseoverlayfs.override_stat", "user.overlay",
	} {
		f.Add(name, "y")
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		storages := slices.Contains([]string{"security.fuseoverlayfs.override_stat", "user.containers.override_stat"}, name)
		nested := ""
		for _, p := range []string{"trusted.overlay.", "user.overlay.", "user.fuseoverlayfs."} {
			if rest, ok := strings.CutPrefix(name, p); ok {
				storages = true
				nested = p + "overlay." + rest
			}
		}
		masked := name
		if storages || strings.HasPrefix(name, "security.") {
			masked = "user.containers.override_" + name
		} else if inner, ok := strings.CutPrefix(name, "user.containers.override_"); ok && isMaskable(inner) {
			return // looks like one that was put away
		}
		kept := []string{masked}
		if nested != "" && !strings.HasPrefix(name, "user.fuseoverlayfs.") {
			kept = append(kept, nested)
		}
		for _, as := range kept {
			disk := map[string]string{as: value, "security.selinux": "disk", "trusted.overlay.origin": "o", "user.overlay.impure": "y", "user.fuseoverlayfs.origin": "o"}
			want := map[string]string{"security.selinux": "disk"}
			if !storages && strings.HasPrefix(name, "security.") {
				disk[name] = "disk" // the host's, which the image's goes before
			}
			want[name] = value
			for range 4 { // maps have no order
				var n Node
				if err := n.apply(disk); err != nil || !maps.Equal(n.Xattrs, want) || n.Redirect != "" || n.Metacopy {
					t.Errorf("%q kept as %q: %+v, %v; want %q", name, as, n, err, want)
				}
			}
		}
	})
}
