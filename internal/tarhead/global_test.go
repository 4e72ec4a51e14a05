package tarhead

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestGlobals: what global headers say of entries behind them.
func TestGlobals(t *testing.T) {
	t.Parallel()
	global := func(kv ...string) []byte { return extension(t, 'g', pairs(kv...)) }
	local := func(kv ...string) []byte { return extension(t, 'x', pairs(kv...)) }
	file := plain(t, "file")
	all := global("uid", "7", "gid", "8", "uname", "u", "gname", "g", "mtime", "-1.5", "atime", "2", "ctime", "3", "SCHILY.xattr.user.a", "1")
	for name, test := range map[string]struct {
		tar  []byte
		want func(h *Header) bool
	}{
		"all": {slices.Concat(all, file), func(h *Header) bool {
			return h.UID == 7 && h.GID == 8 && h.Uname == "u" && h.Gname == "g" && h.ModTime.Equal(time.Unix(-2, 5e8)) &&
				h.AccessTime.Equal(time.Unix(2, 0)) && h.ChangeTime.Equal(time.Unix(3, 0)) && maps.Equal(h.Xattrs, map[string]string{"user.a": "1"})
		}},
		"of a later entry": {slices.Concat(all, file, file), func(h *Header) bool { return h.UID == 7 && h.Xattrs["user.a"] == "1" }},
		"the entry's own": {slices.Concat(all, local("uid", "9", "SCHILY.xattr.user.b", "2", "mtime", "5"), file), func(h *Header) bool {
			return h.UID == 9 && h.GID == 8 && h.ModTime.Equal(time.Unix(5, 0)) && maps.Equal(h.Xattrs, map[string]string{"user.a": "1", "user.b": "2"})
		}},
		"of the entry behind it":     {slices.Concat(all, local("uid", "9", "SCHILY.xattr.user.b", "2"), file, file), func(h *Header) bool { return h.UID == 7 && len(h.Xattrs) == 1 }},
		"undone by the entry's own":  {slices.Concat(all, local("uid", "", "uname", "", "mtime", ""), file), func(h *Header) bool { return h.UID == 0 && h.Uname == "root" && h.ModTime.Unix() >= 0 && h.GID == 8 }},
		"undone by another":          {slices.Concat(all, global("uid", ""), file), func(h *Header) bool { return h.UID == 0 && h.GID == 8 }},
		"changed by another":         {slices.Concat(all, global("uid", "10"), file), func(h *Header) bool { return h.UID == 10 && h.GID == 8 }},
		"not names, sizes and holes": {slices.Concat(global("path", "p", "linkpath", "l", "size", "4096", "GNU.sparse.size", "9"), file), func(h *Header) bool { return h.Name == "file" && h.Linkname == "" && h.Size == 3 && h.Sparse == nil }},
		"not what is no number":      {slices.Concat(global("uid", "many", "mtime", "noon"), file), func(h *Header) bool { return h.UID == 0 && h.ModTime.Unix() >= 0 }},
		"not the rest":               {slices.Concat(global("comment", "c"), file), func(h *Header) bool { return h.PAX == nil && h.Xattrs == nil }},
	} {
		list, err := read(test.tar, 100)
		if err != nil || len(list) == 0 || !test.want(&list[len(list)-1]) {
			t.Errorf("%s: %+v, %v", name, list, err)
		}
	}
	long := strings.Repeat("v", 2000)
	for name, test := range map[string]struct {
		tar []byte
		ok  bool
	}{
		"one value again and again": {slices.Concat(slices.Concat(slices.Repeat([][]byte{global("SCHILY.xattr.user.a", long)}, 10)...), file), true},
		"three values":              {slices.Concat(global("SCHILY.xattr.user.a", long, "SCHILY.xattr.user.b", long), global("SCHILY.xattr.user.c", long), file), false},
	} {
		if _, err := read(test.tar, 100); errors.Is(err, ErrTooLong) == test.ok || test.ok && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	much := global("comment", strings.Repeat("c", 1<<20-30))
	if _, err := read(slices.Concat(much, much, much, much, much, file), 1<<20); !errors.Is(err, ErrTooLong) {
		t.Errorf("5 MiB: %v", err)
	}
}

// TestGlobalAttributesStay: entries keep what they were given, whatever a later global
// header says.
func TestGlobalAttributesStay(t *testing.T) {
	t.Parallel()
	var first, got []string
	for i := range 20 {
		first = append(first, fmt.Sprintf("SCHILY.xattr.user.%d", i), "one")
	}
	file := plain(t, "file")
	tar := slices.Concat(extension(t, 'g', pairs(first...)), file, file,
		extension(t, 'g', pairs("SCHILY.xattr.user.3", "two", "SCHILY.xattr.user.new", "x")), file)
	list, err := read(tar, 100)
	if err != nil || len(list) != 3 {
		t.Fatal(len(list), err)
	}
	for _, h := range list {
		got = append(got, fmt.Sprintf("%d %s %s", len(h.Xattrs), h.Xattrs["user.3"], h.Xattrs["user.4"]))
	}
	if got := strings.Join(got, "; "); got != "20 one one; 20 one one; 21 two one" {
		t.Error(got)
	}
}
