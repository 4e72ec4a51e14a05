package idmap_test

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor/internal/idmap"
)

const last = 1<<32 - 1 // no id

func TestMap(t *testing.T) {
	t.Parallel()
	rootless := idmap.Map{{0, 1000, 1}, {1, 100000, 65536}}
	keepID := idmap.Map{{0, 1, 1000}, {1000, 0, 1}, {1001, 1001, 64536}}
	cases := []struct {
		name    string
		m       idmap.Map
		outside uint32
		inside  uint32 // None: nobody
	}{
		{"no map", nil, 77, 77},
		{"no map, the largest id", nil, last - 1, last - 1},
		{"empty map", idmap.Map{}, 77, 77},
		{"root", rootless, 1000, 0},
		{"first", rootless, 100000, 1},
		{"last", rootless, 165535, 65536},
		{"behind", rootless, 165536, last},
		{"before", rootless, 99999, last},
		{"root outside", rootless, 0, last},
		{"no id", rootless, last, last},
		{"keep-id, the user", keepID, 0, 1000},
		{"keep-id, root", keepID, 1, 0},
		{"keep-id, one that is itself", keepID, 1001, 1001},
		{"up to the end", idmap.Map{{0, last - 2, 2}}, last - 1, 1},
		{"wraps around", idmap.Map{{5, last - 1, 10}}, 3, last},
		{"the first of two counts", idmap.Map{{0, 100, 10}, {50, 105, 10}}, 105, 5},
		{"the second, where the first ends", idmap.Map{{0, 100, 10}, {50, 105, 10}}, 110, 55},
		{"a range without ids", idmap.Map{{0, 100, 0}}, 100, last},
	}
	for _, c := range cases {
		if got := c.m.In(c.outside); got != c.inside {
			t.Errorf("%s: In(%d) = %d, want %d", c.name, c.outside, got, c.inside)
		}
		if c.inside == last {
			continue
		}
		if got := c.m.Out(c.inside); got != c.outside {
			t.Errorf("%s: Out(%d) = %d, want %d", c.name, c.inside, got, c.outside)
		}
	}
	if got := rootless.Out(65537); got != idmap.None {
		t.Errorf("Out of an id that is not there: %d", got)
	}
}

func TestHas(t *testing.T) {
	t.Parallel()
	m := idmap.Map{{0, 1000, 1}, {1, 100000, 65536}, {100000, 300000, 10}}
	cases := []struct {
		name         string
		m            idmap.Map
		start, count uint32
		want         bool
	}{
		{"no map", nil, 0, last, true},
		{"all of it", m, 0, 65537, true},
		{"over two ranges", m, 0, 2, true},
		{"one too many", m, 0, 65538, false},
		{"into a gap", m, 65530, 40000, false},
		{"alone", m, 100003, 7, true},
		{"beyond", m, 100003, 8, false},
		{"nothing", m, 200000, 0, true},
		{"the whole machine", idmap.Map{{0, 0, last}}, 0, last, true},
		{"more than there is", idmap.Map{{0, 0, last}}, last, 2, false},
		{"no end in sight", idmap.Map{{0, 0, last}, {last, 0, last}}, 5, last, false},
	}
	for _, c := range cases {
		if got := c.m.Has(idmap.SubRange{Start: c.start, Count: c.count}); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestIsContiguous(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		m    idmap.Map
		want bool
	}{
		{"none", nil, true},
		{"one", idmap.Map{{0, 5, 10}}, true},
		{"keep-id", idmap.Map{{0, 1, 1000}, {1000, 0, 1}, {1001, 1001, 64536}}, true},
		{"a gap outside", idmap.Map{{0, 1, 10}, {10, 12, 10}}, false},
		{"a gap inside", idmap.Map{{0, 1, 10}, {11, 11, 10}}, false},
		{"overlap", idmap.Map{{0, 1, 10}, {10, 10, 10}}, false},
	}
	for _, c := range cases {
		before := slices.Clone(c.m)
		if got := c.m.IsContiguous(); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
		if !slices.Equal(before, c.m) {
			t.Errorf("%s: the map was changed", c.name)
		}
	}
}

func TestSubordinate(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, list string
		want       []idmap.SubRange
		bad        bool
	}{
		{name: "empty"},
		{name: "one", list: "u1:100000:65536\n", want: []idmap.SubRange{{100000, 65536}}},
		{name: "no newline at the end", list: "u1:1:2", want: []idmap.SubRange{{1, 2}}},
		{name: "by number", list: "1000:5:6\n", want: []idmap.SubRange{{5, 6}}},
		{name: "both, in order", list: "u1:300:4\n1000:5:6\nu1:7:8\n", want: []idmap.SubRange{{300, 4}, {5, 6}, {7, 8}}},
		{name: "others'", list: "u10:1:2\nu:1:2\n100:1:2\n10000:1:2\nU1:1:2\n"},
		{name: "others' nonsense", list: "x:y:z\nx\n:1:2\n::\nu1:1:2\n\n", want: []idmap.SubRange{{1, 2}}},
		{name: "comments and white space", list: "# u1:9:9\n  u1:1:2  \r\n#u1:9:9\n", want: []idmap.SubRange{{1, 2}}},
		{name: "no ids", list: "u1:100:0\n"},
		{name: "everything there is", list: "u1:0:4294967295\n", want: []idmap.SubRange{{0, last}}},
		{name: "not a number", list: "u1:a:1\n", bad: true},
		{name: "negative", list: "u1:-1:1\n", bad: true},
		{name: "too large", list: "u1:4294967296:1\n", bad: true},
		{name: "two fields", list: "u1:1\n", bad: true},
		{name: "four fields", list: "u1:1:2:3\n", bad: true},
		{name: "as many as a map may have", list: strings.Repeat("u1:1:1\n", idmap.MaxRanges), want: slices.Repeat([]idmap.SubRange{{1, 1}}, idmap.MaxRanges)},
		{name: "more", list: strings.Repeat("u1:1:1\n", idmap.MaxRanges+1), bad: true},
		{name: "a long line", list: strings.Repeat("x", 1<<20) + ":1:1\nu1:1:1\n", want: []idmap.SubRange{{1, 1}}},
	}
	for _, c := range cases {
		got, err := idmap.Subordinate([]byte(c.list), 1000, "u1")
		if (err != nil) != c.bad {
			t.Errorf("%s: %v", c.name, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" && !c.bad {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	if got, err := idmap.Subordinate([]byte(":1:2\nu1:1:2\n1000:3:4\n"), 1000, ""); err != nil || !slices.Equal(got, []idmap.SubRange{{3, 4}}) {
		t.Errorf("a user whose name is not known: %v, %v", got, err)
	}
}

func TestForUser(t *testing.T) {
	t.Parallel()
	many := func(n int) (list []idmap.SubRange) {
		for i := range n {
			list = append(list, idmap.SubRange{Start: uint32(10_000 + 2*i), Count: 1})
		}
		return list
	}
	cases := []struct {
		name string
		own  uint32
		list []idmap.SubRange
		want idmap.Map
		bad  bool
	}{
		{name: "nobody but the user", own: 1000, want: idmap.Map{{0, 1000, 1}}},
		{name: "one range", own: 1000, list: []idmap.SubRange{{100000, 65536}}, want: idmap.Map{{0, 1000, 1}, {1, 100000, 65536}}},
		{
			name: "the lowest first", own: 1000, list: []idmap.SubRange{{300000, 10}, {200000, 5}, {100000, 7}},
			want: idmap.Map{{0, 1000, 1}, {1, 100000, 7}, {8, 200000, 5}, {13, 300000, 10}},
		},
		{name: "side by side", own: 1, list: []idmap.SubRange{{10, 5}, {15, 5}}, want: idmap.Map{{0, 1, 1}, {1, 10, 5}, {6, 15, 5}}},
		{name: "from 0 on", own: 1000, list: []idmap.SubRange{{0, 1000}}, want: idmap.Map{{0, 1000, 1}, {1, 0, 1000}}},
		{name: "up to the last id", own: 1, list: []idmap.SubRange{{last - 5, 5}}, want: idmap.Map{{0, 1, 1}, {1, last - 5, 5}}},
		{name: "beyond it", own: 1, list: []idmap.SubRange{{last - 5, 6}}, bad: true},
		{name: "all ids there are", own: 0, list: []idmap.SubRange{{1, last - 1}}, want: idmap.Map{{0, 0, 1}, {1, 1, last - 1}}},
		{name: "overlap", own: 1, list: []idmap.SubRange{{10, 5}, {14, 5}}, bad: true},
		{name: "twice, by name and by number", own: 1, list: []idmap.SubRange{{10, 5}, {10, 5}}, bad: true},
		{name: "his own id in it", own: 12, list: []idmap.SubRange{{10, 5}}, bad: true},
		{name: "empty range", own: 1, list: []idmap.SubRange{{10, 0}}, bad: true},
		{name: "too many", own: 1, list: many(idmap.MaxRanges), bad: true},
	}
	for _, c := range cases {
		before := slices.Clone(c.list)
		got, err := idmap.ForUser(c.own, c.list)
		if (err != nil) != c.bad {
			t.Errorf("%s: %v", c.name, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		if !slices.Equal(before, c.list) {
			t.Errorf("%s: the list was changed", c.name)
		}
	}
	if m, err := idmap.ForUser(1, many(idmap.MaxRanges-1)); err != nil || len(m) != idmap.MaxRanges {
		t.Errorf("as many as there may be: %d, %v", len(m), err)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := idmap.Parse([]byte("         0       1000          1\n         1     100000      65536\n"))
	if diff := cmp.Diff(idmap.Map{{0, 1000, 1}, {1, 100000, 65536}}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if again, err := idmap.Parse([]byte(got.Lines())); !slices.Equal(again, got) || err != nil {
		t.Errorf("written and read: %v, %v", again, err)
	}
	for _, text := range []string{"0 1\n", "0 1 2 3\n", "a b c\n", "0 0 4294967296\n", "\n", strings.Repeat("0 0 1\n", idmap.MaxRanges+1)} {
		if m, err := idmap.Parse([]byte(text)); err == nil {
			t.Errorf("%.20q: %v", text, m)
		}
	}
}

// TestOwn compares the maps with what the kernel tells another program.
func TestOwn(t *testing.T) {
	t.Parallel()
	for file, m := range map[string]idmap.Map{"uid_map": idmap.Own().UIDs, "gid_map": idmap.Own().GIDs} {
		out, err := exec.CommandContext(t.Context(), "cat", "/proc/self/"+file).Output()
		if err != nil {
			t.Skip(err)
		}
		var want strings.Builder
		for _, r := range m {
			fmt.Fprintf(&want, "%d %d %d ", r.Inside, r.Outside, r.Size)
		}
		if got := strings.Join(strings.Fields(string(out)), " "); got != strings.TrimSpace(want.String()) {
			t.Errorf("%s: %q, want %q", file, want.String(), got)
		}
	}
}

// FuzzSubordinate: whatever a list says, what is made of it is a map that the kernel
// would take, and that leads back from each id that it leads to.
func FuzzSubordinate(f *testing.F) {
	f.Add([]byte("u1:100000:65536\n1000:1:2\n"), uint32(1000))
	f.Add([]byte("u1:4294967290:5\nu1:0:5"), uint32(7))
	f.Fuzz(func(t *testing.T, list []byte, own uint32) {
		ranges, err := idmap.Subordinate(list, 1000, "u1")
		if err != nil {
			return
		}
		m, err := idmap.ForUser(own, ranges)
		if err != nil {
			return
		}
		if len(m) > idmap.MaxRanges {
			t.Fatalf("%d ranges", len(m))
		}
		next := uint64(0)
		for i, r := range m {
			if uint64(r.Inside) != next || uint64(r.Outside)+uint64(r.Size) > last && i > 0 {
				t.Fatalf("range %d of %v", i, m)
			}
			next += uint64(r.Size)
			for _, id := range []uint32{r.Inside, r.Inside + r.Size - 1} {
				if out := m.Out(id); m.In(out) != id && out != last {
					t.Fatalf("%v: %d leads to %d, and back to %d", m, id, out, m.In(out))
				}
			}
		}
	})
}
