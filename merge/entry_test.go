package merge

import (
	"archive/tar"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"

	"github.com/cstor-go/cstor/tarsplit"
)

// TestHeadersAreKept: what an entry says, its Node says, whether its layer is the base or
// is laid over another one.
func TestHeadersAreKept(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 23, 1, 2, 3, 456789, time.UTC)
	for name, e := range map[string]tarsplit.Entry{
		"nothing":     {Type: tar.TypeReg},
		"a file":      {Type: tar.TypeReg, Mode: 0o4755, UID: 1000, GID: 1 << 40, Uname: "ü", Gname: "\xff", ModTime: day, Size: 1 << 40, File: "f", Header: 1 << 50, Content: 1<<50 + 1536},
		"old times":   {Type: tar.TypeReg, ModTime: time.Date(-3, 1, 1, 0, 0, 0, 1, time.UTC)},
		"more times":  {Type: tar.TypeReg, ModTime: day, AccessTime: day.Add(1), ChangeTime: day.Add(-1)},
		"one time":    {Type: tar.TypeFifo, ChangeTime: day},
		"wide mode":   {Type: tar.TypeReg, Mode: 1<<40 | 0o644},
		"odd mode":    {Type: tar.TypeReg, Mode: -1},
		"long header": {Type: tar.TypeReg, Header: 512, Content: 1 << 33},
		"no order":    {Type: tar.TypeReg, Header: 512, Content: 0},
		"owner":       {Type: tar.TypeReg, UID: -1, GID: math.MaxInt64},
		"device":      {Type: tar.TypeBlock, Devmajor: 8, Devminor: -1},
		"char":        {Type: tar.TypeChar, Devminor: 3},
		"link":        {Type: tar.TypeSymlink, Linkname: "../a/./\xff/", Mode: 0o777},
		"long link":   {Type: tar.TypeSymlink, Linkname: strings.Repeat("l", 4095)},
		"directory":   {Type: tar.TypeDir, Mode: 0o1777, ModTime: day},
		"xattrs":      {Type: tar.TypeReg, Xattrs: map[string]string{"user.a": "", "user.b": "\x00\xff", "": "x", "user.long": strings.Repeat("v", 70_000)}},
		"records":     {Type: tar.TypeReg, PAX: map[string]string{"comment": "c", "VENDOR.x": "="}},
		"both":        {Type: tar.TypeDir, Xattrs: map[string]string{"a": "b"}, PAX: map[string]string{"a": "b"}},
		"empty maps":  {Type: tar.TypeReg},
		"sparse":      {Type: tar.TypeReg, Size: 3, File: "f", Sparse: &tarsplit.Sparse{Format: "0.1", Size: 9, Map: [][2]int64{{3, 3}}}},
		"other file":  {Type: tar.TypeReg, Size: 3, File: "g"},
		"no file":     {Type: tar.TypeReg, Size: 3},
		"needless":    {Type: tar.TypeReg, File: "f"},
		"digest":      {Type: tar.TypeReg, Size: 3, File: "f", Digest: digest.FromString("x")},
		"of nothing":  {Type: tar.TypeReg, Digest: digest.FromString("")},
		"sha512":      {Type: tar.TypeReg, Digest: "sha512:" + digest.Digest(strings.Repeat("ab", 64))},
		"bad digests": {Type: tar.TypeReg, Digest: "sha256:" + digest.Digest(strings.Repeat("Ab", 32)), AccessTime: day},
		"no digest":   {Type: tar.TypeReg, Digest: "sha256:" + digest.Digest(strings.Repeat("zz", 32))},
		"short":       {Type: tar.TypeReg, Digest: "sha256:ab"},
	} {
		e.Name = "f"
		given := e
		if name == "empty maps" {
			given.Xattrs, given.PAX = map[string]string{}, map[string]string{}
		}
		more := &tarsplit.Entry{Name: "other", Type: tar.TypeReg, UID: 3, Xattrs: map[string]string{"user.o": "o"}, Digest: digest.FromString("o")}
		for layers, stack := range map[string][][]*tarsplit.Entry{
			"base":  {{more, &given}},
			"above": {{more, {Name: "f", Type: tar.TypeReg}}, {more, &given}},
			"named": {{{Name: "f", Type: tar.TypeReg}}, {&given, {Name: "g", Type: tar.TypeFifo}}, {more}},
		} {
			tree, err := Build(t.Context(), sequences(stack), Options{})
			if err != nil {
				t.Errorf("%s, %s: %v", name, layers, err)
				continue
			}
			n, ok := tree.Lookup("f")
			if d := cmp.Diff(&e, n.Entry); d != "" || !ok || n.Link != "" {
				t.Errorf("%s, %s: %v, %t\n%s", name, layers, n, ok, d)
			}
		}
	}
}

// TestHardLinkHeaders: every name has the file's header, and its own name.
func TestHardLinkHeaders(t *testing.T) {
	t.Parallel()
	file := tarsplit.Entry{
		Name: "./d/a", Type: tar.TypeReg, Mode: 0o600, UID: 5, Uname: "u", Size: 3, File: "other", ModTime: time.Unix(9, 9).UTC(),
		Xattrs: map[string]string{"user.x": "y"}, Header: 1024, Content: 2560, Digest: digest.FromString("x"),
	}
	link := &tarsplit.Entry{Name: "/d/b", Type: tar.TypeLink, Linkname: "d/a", Mode: 0o777, UID: 6, Header: 4096, Size: 0}
	gone := &tarsplit.Entry{Name: "d/.wh.a", Type: tar.TypeReg}
	want := file
	want.Name, want.File = "/d/b", "/d/b"
	for name, stack := range map[string][][]*tarsplit.Entry{
		"both":          {{&file, link}},
		"first deleted": {{&file, link}, {gone}},
		"above":         {{{Name: "x", Type: tar.TypeReg}}, {&file, link}, {gone}},
	} {
		tree, err := Build(t.Context(), sequences(stack), Options{})
		if err != nil {
			t.Fatal(err)
		}
		n, _ := tree.Lookup("d/b")
		if d := cmp.Diff(&want, n.Entry); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
	// What lies below is to be opened there.
	tree, err := Build(t.Context(), sequences([][]*tarsplit.Entry{{&file}, {link, gone}}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	n, _ := tree.Lookup("d/b")
	if d := cmp.Diff(&file, n.Entry); d != "" || n.Layer != 0 || n.Path != "d/b" {
		t.Errorf("%v:\n%s", n, d)
	}
}

// TestTypes: two more kinds of files are files.
func TestTypes(t *testing.T) {
	t.Parallel()
	for n := range build(t, `t7 f; tS f2`).All() {
		if n.Path != "." && n.Entry.Type != tar.TypeReg {
			t.Errorf("%v", n)
		}
	}
}

// TestEntriesAreNotShared: who changes what All gave him changes nothing for others, nor do
// those who change what they gave to Build.
func TestEntriesAreNotShared(t *testing.T) {
	t.Parallel()
	e := &tarsplit.Entry{Name: "f", Type: tar.TypeReg, Xattrs: map[string]string{"user.a": "b"}}
	want := *e
	want.Xattrs = map[string]string{"user.a": "b"}
	tree, err := Build(t.Context(), sequences([][]*tarsplit.Entry{{e}}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	e.Xattrs["user.a"] = "c"
	for range 2 {
		n, _ := tree.Lookup("f")
		if d := cmp.Diff(&want, n.Entry); d != "" {
			t.Error(d)
		}
		n.Entry.Mode, n.Entry.Xattrs["user.a"] = 7, "d"
	}
}
