package tardiff

import (
	"archive/tar"
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// pairCase is two archives and what differs.
type pairCase struct {
	name string
	a, b []byte
	want []string
	// streams is what differs if they cannot be read again, where that is otherwise.
	streams []string
}

func (c pairCase) run(t *testing.T) {
	t.Parallel()
	list, s, err := all(t, bytes.NewReader(c.a), bytes.NewReader(c.b), Options{Digests: true})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c.want, briefs(list)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if s.A.Size != int64(len(c.a)) || s.B.Size != int64(len(c.b)) {
		t.Errorf("sizes %d and %d, want %d and %d", s.A.Size, s.B.Size, len(c.a), len(c.b))
	}
	if want := [2]string{sum(c.a), sum(c.b)}; want != [2]string{s.A.Digest, s.B.Digest} {
		t.Errorf("digests %s and %s, want %s", s.A.Digest, s.B.Digest, want)
	}
	if s.Same() != bytes.Equal(c.a, c.b) {
		t.Errorf("same: %v", s.Same())
	}
	if c.streams == nil {
		c.streams = c.want
	}
	list, _, err = all(t, iotest.OneByteReader(bytes.NewReader(c.a)), iotest.OneByteReader(bytes.NewReader(c.b)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c.streams, briefs(list)); diff != "" {
		t.Errorf("streams: -want +got:\n%s", diff)
	}
}

// TestEntries: entries that are missing, extra, or elsewhere.
func TestEntries(t *testing.T) {
	t.Parallel()
	for _, c := range []pairCase{
		{name: "equal", a: tarOf(t, "a", "b"), b: tarOf(t, "a", "b")},
		{name: "no entries", a: tarOf(t), b: tarOf(t)},
		{name: "no bytes"},
		{
			name: "missing in the middle", a: tarOf(t, "a", "b", "c"), b: tarOf(t, "a", "c"),
			want: []string{`missing "b" 1@1024:"" -`},
		},
		{
			name: "extra in the middle", a: tarOf(t, "a", "c", "d"), b: tarOf(t, "a", "b", "c", "d"),
			want: []string{`extra "b" - 1@1024:""`},
		},
		{
			name: "missing at the end", a: tarOf(t, "a", "b", "c"), b: tarOf(t, "a"),
			want: []string{`missing "b" 1@1024:"" -`, `missing "c" 2@2048:"" -`},
		},
		{
			name: "all else", a: tarOf(t, "a", "b"), b: tarOf(t, "c"),
			want: []string{`missing "b" 1@1024:"" -`, `missing "a" 0@0:"" -`, `extra "c" - 0@0:""`},
		},
		{
			name: "one moved back", a: tarOf(t, "a", "b", "c", "d"), b: tarOf(t, "b", "c", "d", "a"),
			want: []string{`moved "a" 0@0:"" 3@3072:""`},
		},
		{
			name: "one moved forward", a: tarOf(t, "a", "b", "c", "d"), b: tarOf(t, "d", "a", "b", "c"),
			want: []string{`moved "d" 3@3072:"" 0@0:""`},
		},
		{
			name: "of several with one name the last is missing", a: tarOf(t, "a", "x", "a", "a"), b: tarOf(t, "a", "x", "a"),
			want: []string{`missing "a" 3@3072:"" -`},
		},
		{
			name: "the n-th belong together", a: newBuilder(t).file("x", "1").file("y", "").file("x", "2").end(2), b: newBuilder(t).file("x", "1").file("x", "2").file("y", "").end(2),
			want: []string{`moved "x" 2@1536:"" 1@1024:""`},
		},
	} {
		t.Run(c.name, c.run)
	}
}

// TestMoved: the fewest entries that have to move did, whatever else is missing.
func TestMoved(t *testing.T) {
	t.Parallel()
	letters := func(s string) []string { return strings.Split(s, "") }
	for _, c := range []struct{ name, a, b, moved, missing, extra string }{
		{"inserted", "abcdef", "abXcdef", "", "", "X"},
		{"two swapped blocks", "abcdefg", "efgabcd", "efg", "", ""},
		{"reversed", "abcde", "edcba", "abcd", "", ""},
		{"moved over an insertion", "abcdef", "XbcdYefa", "a", "", "XY"},
		{"moved and another missing", "abcdef", "cdefb", "b", "a", ""},
		{"moves settled between", "ba12cd34fe", "ab12dc34ef", "acf", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			list, _, err := all(t, streamOnly(tarOf(t, letters(c.a)...)), streamOnly(tarOf(t, letters(c.b)...)), Options{})
			if err != nil {
				t.Fatal(err)
			}
			got := map[Kind]string{}
			for _, d := range list {
				got[d.Kind] += d.Name
			}
			if len(got[KindMoved]) != len(c.moved) || got[KindMissing] != c.missing || got[KindExtra] != c.extra {
				t.Errorf("moved %q, missing %q, extra %q", got[KindMoved], got[KindMissing], got[KindExtra])
			}
			if c.name != "reversed" && c.name != "moves settled between" && got[KindMoved] != c.moved {
				t.Errorf("moved %q, want %q", got[KindMoved], c.moved)
			}
		})
	}
}

// TestContent: where content begins to differ.
func TestContent(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789", 100_000)
	changed := long[:700_001] + "X" + long[700_002:]
	for _, c := range []pairCase{
		{
			name: "one byte", a: newBuilder(t).file("f", "hello").end(2), b: newBuilder(t).file("f", "hallo").end(2),
			want: []string{`content "f" +1 0@513:"ello" 0@513:"allo"`},
		},
		{
			name: "far in", a: newBuilder(t).file("f", long).files("g").end(2), b: newBuilder(t).file("f", changed).files("g").end(2),
			want: []string{`content "f" +700001 0@700513:"1234567890123456" 0@700513:"X234567890123456"`},
		},
		{
			name: "longer", a: newBuilder(t).file("f", "abc").end(2), b: newBuilder(t).file("f", "abcd").end(2),
			want: []string{`field "f" size 0@124:"3" 0@124:"4"`, `content "f" +3 0@515:"" 0@515:"d"`},
		},
		{
			name: "now empty", a: newBuilder(t).file("f", "abc").end(2), b: newBuilder(t).file("f", "").end(2),
			want: []string{`field "f" size 0@124:"3" 0@124:"0"`, `content "f" +0 0@512:"abc" 0@512:""`},
		},
		{
			name: "in one that moved", a: newBuilder(t).file("f", "abc").files("g", "h").end(2), b: newBuilder(t).files("g", "h").file("f", "abd").end(2),
			want: []string{`content "f" +2 0@514:"c" 2@2562:"d"`, `moved "f" 0@0:"" 2@2048:""`},
		},
		{
			name: "in a long one that moved", a: newBuilder(t).file("f", long).files("g", "h").end(2), b: newBuilder(t).files("g", "h").file("f", changed).end(2),
			want: []string{
				`content "f" +700001 0@700513:"1234567890123456" 2@702561:"X234567890123456"`,
				`moved "f" 0@0:"" 2@2048:""`,
			},
			streams: []string{
				`content "f" sha256 0@512:"` + sum([]byte(long))[7:] + `" 2@2560:"` + sum([]byte(changed))[7:] + `"`,
				`moved "f" 0@0:"" 2@2048:""`,
			},
		},
		{
			name: "a long one that moved and was cut", a: newBuilder(t).file("f", long).files("g", "h").end(2), b: newBuilder(t).files("g", "h").file("f", long[:999_999]).end(2),
			want: []string{
				`field "f" size 0@124:"1000000" 2@2172:"999999"`,
				`content "f" +999999 0@1000511:"9" 2@1002559:""`,
				`moved "f" 0@0:"" 2@2048:""`,
			},
			streams: []string{
				`field "f" size 0@124:"1000000" 2@2172:"999999"`,
				`content "f" sha256 0@512:"` + sum([]byte(long))[7:] + `" 2@2560:"` + sum([]byte(long[:999_999]))[7:] + `"`,
				`moved "f" 0@0:"" 2@2048:""`,
			},
		},
	} {
		t.Run(c.name, c.run)
	}
}

// TestPadding: bytes that no reader looks at.
func TestPadding(t *testing.T) {
	t.Parallel()
	whole := newBuilder(t).file("f", "abc").end(2)
	extended := newBuilder(t).raw('x', "h", pax("a", "b"), nil).files("f").end(2)
	for _, c := range []pairCase{
		{
			name: "of content", a: whole, b: edited(whole, 1020, 'x'),
			want: []string{`padding "f" 0@1020:"\x00\x00\x00\x00" 0@1020:"x\x00\x00\x00"`},
		},
		{
			name: "cut off", a: newBuilder(t).file("f", "abc").Bytes(), b: whole[:1022],
			want: []string{`padding "f" 0@1022:"\x00\x00" 0@1022:""`},
		},
		{
			name: "of an extension", a: extended, b: edited(extended, 1020, 'x'),
			want: []string{`padding "f" pax 0@1020:"\x00\x00\x00\x00" 0@1020:"x\x00\x00\x00"`},
		},
		{
			name: "of one that moved",
			a:    newBuilder(t).file("f", "abc").files("g", "h").end(2),
			b:    edited(newBuilder(t).files("g", "h").file("f", "abc").end(2), 3068, 'x'),
			want: []string{
				`padding "f" 0@1020:"\x00\x00\x00\x00" 2@3068:"x\x00\x00\x00"`,
				`moved "f" 0@0:"" 2@2048:""`,
			},
		},
	} {
		t.Run(c.name, c.run)
	}
}

// edited is data with one byte changed.
func edited(data []byte, at int, c byte) []byte {
	data = slices.Clone(data)
	data[at] = c
	return data
}

// TestTrailer: what stands behind the last entry.
func TestTrailer(t *testing.T) {
	t.Parallel()
	tarWith := func(blocks int, more string) []byte {
		return append(newBuilder(t).files("f").end(blocks), more...)
	}
	global := func(value string) []byte {
		return newBuilder(t).files("f").raw('g', "", pax("comment", value), nil).end(2)
	}
	for _, c := range []pairCase{
		{name: "more zeros", a: tarWith(2, ""), b: tarWith(20, ""), want: []string{`trailer "" zeros -1@1024:"1024" -1@1024:"10240"`}},
		{name: "no end blocks", a: tarWith(2, ""), b: tarWith(0, ""), want: []string{`trailer "" zeros -1@1024:"1024" -1@1024:"0"`}},
		{name: "one end block", a: tarWith(2, ""), b: tarWith(1, ""), want: []string{`trailer "" zeros -1@1024:"1024" -1@1024:"512"`}},
		{name: "garbage", a: tarWith(2, ""), b: tarWith(2, "xyz"), want: []string{`trailer "" data - -1@2048:"xyz"`}},
		{name: "other garbage", a: tarWith(2, "xyab"), b: tarWith(2, "xyzc"), want: []string{`trailer "" data -1@2050:"ab" -1@2050:"zc"`}},
		{name: "longer garbage", a: tarWith(2, "xyz"), b: tarWith(2, "xyz1"), want: []string{`trailer "" data - -1@2051:"1"`}},
		{name: "much longer garbage", a: tarWith(2, "xyz0123456789abcdefghi"), b: tarWith(2, "xyz"), want: []string{`trailer "" data -1@2051:"0123456789abcdef" -`}},
		{name: "garbage behind more zeros", a: tarWith(2, "xyz"), b: tarWith(3, "xyz"), want: []string{`trailer "" zeros -1@1024:"1024" -1@1024:"1536"`}},
		{
			name: "other garbage behind more zeros", a: tarWith(2, "xyz"), b: tarWith(3, "xy"),
			want: []string{`trailer "" zeros -1@1024:"1024" -1@1024:"1536"`, `trailer "" data -1@2048:"xyz" -1@2560:"xy"`},
		},
		{
			name: "a global header behind the last entry", a: global("one"), b: global("two"),
			want: []string{`record "" global comment -1@1536:"one" -1@1536:"two"`},
		},
		{
			name: "no global header behind the last entry", a: tarWith(2, ""), b: global("two"),
			want: []string{`record "" global comment - -1@1024:"two"`},
		},
	} {
		t.Run(c.name, c.run)
	}
}

// TestKindsTogether: differences of one entry come together, and others go on.
func TestKindsTogether(t *testing.T) {
	a := newBuilder(t).files("before").entry(tar.Header{Name: "f", Mode: 0o644, Typeflag: tar.TypeReg}, "one").files("after").end(2)
	b := newBuilder(t).files("before").entry(tar.Header{Name: "f", Mode: 0o755, Typeflag: tar.TypeReg}, "two").file("after", "after content!").end(3)
	pairCase{a: a, b: b, want: []string{
		`field "f" mode 1@1124:"0644" 1@1124:"0755"`,
		`content "f" +0 1@1536:"one" 1@1536:"two"`,
		`field "after" size 2@2172:"13" 2@2172:"14"`,
		`content "after" +13 2@2573:"" 2@2573:"!"`,
		`trailer "" zeros -1@3072:"1024" -1@3072:"1536"`,
	}}.run(t)
}
