package userns

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var exported = cmp.AllowUnexported(subRange{}, idRange{})

func TestParseSubids(t *testing.T) {
	t.Parallel()
	who := account{name: "anna", uid: 1000}
	cases := []struct {
		name, text string
		want       []subRange
		wrong      bool
	}{
		{name: "by name", text: "anna:100000:65536\n", want: []subRange{{100000, 65536}}},
		{name: "by number", text: "1000:100000:65536\n", want: []subRange{{100000, 65536}}},
		{name: "both, in order", text: "anna:300000:10\nbob:200000:65536\n1000:100000:20\n", want: []subRange{{300000, 10}, {100000, 20}}},
		{name: "others'", text: "bob:100000:65536\nann:1:1\nannabel:1:1\n10000:1:1\n:1:1\n"},
		{name: "others' nonsense", text: "bob\nbob:x\n::\nann a:1:1\nanna:100000:1\n", want: []subRange{{100000, 1}}},
		{name: "comments and white space", text: "# anna:1:1\n#anna:1:1\n\n  anna:100000:1  \r\n", want: []subRange{{100000, 1}}},
		{name: "no end of line", text: "anna:1:2", want: []subRange{{1, 2}}},
		{name: "no ids", text: "anna:100000:0\n"},
		{name: "empty"},
		{name: "no count", text: "anna:100000\n", wrong: true},
		{name: "one more field", text: "anna:100000:1:1\n", wrong: true},
		{name: "no number", text: "anna:x:1\n", wrong: true},
		{name: "negative", text: "anna:-1:1\n", wrong: true},
		{name: "too large", text: "anna:4294967296:1\n", wrong: true},
		{name: "too many", text: strings.Repeat("anna:1:1\n", maxRanges+1), wrong: true},
		{name: "a long line", text: strings.Repeat("x", 1<<20), wrong: true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := parseSubids(strings.NewReader(c.text), who)
			if (err != nil) != c.wrong {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got, exported); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A list is read to its limit, not beyond.
func TestSubidsLimit(t *testing.T) {
	t.Parallel()
	line := "bob:100000:65536\n"
	text := strings.Repeat(line, maxSubids/len(line))
	who := account{name: "anna", uid: 1000}
	if _, err := parseSubids(strings.NewReader(text), who); err != nil {
		t.Error(err)
	}
	if _, err := parseSubids(strings.NewReader(text+line), who); err == nil {
		t.Error("no error")
	}
}

func TestSubidsElsewhere(t *testing.T) {
	t.Parallel()
	cases := map[string]bool{
		"subid: sss\n":                        true,
		"passwd: files\nsubid:\tsss files\n":  true,
		"subid: files sss\n":                  false,
		"subid: files\n":                      false,
		"subid:\n":                            false,
		"# subid: sss\n":                      false,
		"passwd: sss\n":                       false,
		"subids: sss\n":                       false,
		"":                                    false,
		"  subid: sss # as the directory has": true,
	}
	for text, want := range cases {
		path := filepath.Join(t.TempDir(), "nsswitch.conf")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := subidsElsewhere(path); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	if subidsElsewhere(filepath.Join(t.TempDir(), "nothing")) {
		t.Error("no file names another source")
	}
}

func TestNameOf(t *testing.T) {
	t.Parallel()
	const passwd = "root:x:0:0::/root:/bin/sh\nanna:x:1000:100:Anna,,,:/home/anna:/bin/sh\nbad\nx:1000\nanna2:x:1000:100::/:/bin/sh\n"
	for uid, want := range map[uint32]string{0: "root", 1000: "anna", 100: "", 1: ""} {
		if got := nameOf(strings.NewReader(passwd), uid); got != want {
			t.Errorf("%d: %q, want %q", uid, got, want)
		}
	}
}

func TestMapFor(t *testing.T) {
	t.Parallel()
	many := func(n int) (r []subRange) {
		for i := range n {
			r = append(r, subRange{uint32(100_000 + 10*i), 5})
		}
		return r
	}
	cases := []struct {
		name   string
		own    uint32
		ranges []subRange
		want   []idRange // nil: an error
	}{
		{"none", 1000, nil, []idRange{{0, 1000, 1}}},
		{"one", 1000, []subRange{{100000, 65536}}, []idRange{{0, 1000, 1}, {1, 100000, 65536}}},
		{
			"lowest first", 1000,
			[]subRange{{300000, 10}, {100000, 20}, {200000, 30}},
			[]idRange{{0, 1000, 1}, {1, 100000, 20}, {21, 200000, 30}, {51, 300000, 10}},
		},
		{"below his own", 100000, []subRange{{1, 20}}, []idRange{{0, 100000, 1}, {1, 1, 20}}},
		{"side by side", 1000, []subRange{{100, 10}, {110, 10}}, []idRange{{0, 1000, 1}, {1, 100, 10}, {11, 110, 10}}},
		{"from 0 on", 1000, []subRange{{0, 10}}, []idRange{{0, 1000, 1}, {1, 0, 10}}},
		{"to the last", 1000, []subRange{{1<<32 - 11, 10}}, []idRange{{0, 1000, 1}, {1, 1<<32 - 11, 10}}},
		{"beyond the last", 1000, []subRange{{1<<32 - 10, 10}}, nil},
		{"overflow", 1000, []subRange{{1<<32 - 1, 1<<32 - 1}}, nil},
		{"overflow inside", 1, []subRange{{2, 1<<32 - 3}}, []idRange{{0, 1, 1}, {1, 2, 1<<32 - 3}}},
		{"overlap", 1000, []subRange{{100, 11}, {110, 10}}, nil},
		{"twice", 1000, []subRange{{100, 10}, {100, 10}}, nil},
		{"one in another", 1000, []subRange{{100, 100}, {120, 10}}, nil},
		{"his own", 1000, []subRange{{1000, 10}}, nil},
		{"his own at the end", 1000, []subRange{{991, 10}}, nil},
		{"too many", 1000, many(maxRanges), nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := mapFor(c.own, c.ranges)
			if (err != nil) != (c.want == nil) {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got, exported); diff != "" {
				t.Error(diff)
			}
		})
	}
	if m, err := mapFor(1000, many(maxRanges-1)); err != nil || len(m) != maxRanges {
		t.Errorf("%d ranges, %v", len(m), err)
	}
}

// FuzzSubids: any list gives an error, or a map that a kernel takes and that reads
// back as it was.
func FuzzSubids(f *testing.F) {
	f.Add("anna:100000:65536\n", uint32(1000))
	f.Add("anna:300000:10\n1000:100000:20\nanna:4294967285:10\n", uint32(1000))
	f.Add("# x\nanna:0:0\nanna:1:1", uint32(0))
	f.Fuzz(func(t *testing.T, text string, own uint32) {
		ranges, err := parseSubids(strings.NewReader(text), account{"anna", own, own})
		if err != nil {
			return
		}
		m, err := mapFor(own, ranges)
		if err != nil {
			return
		}
		inside := uint64(0)
		for i, r := range m {
			if uint64(r.inside) != inside || r.count == 0 || uint64(r.outside)+uint64(r.count) > 1<<32-1 {
				t.Fatalf("line %d of %v", i, m)
			}
			inside += uint64(r.count)
			for _, other := range m[:i] {
				if uint64(r.outside) < uint64(other.outside)+uint64(other.count) && uint64(other.outside) < uint64(r.outside)+uint64(r.count) {
					t.Fatalf("line %d of %v overlaps", i, m)
				}
			}
		}
		if inside > 1<<32-1 || len(m) > maxRanges || m[0] != (idRange{0, own, 1}) {
			t.Fatalf("%v", m)
		}
		again, err := parseMap(strings.ReplaceAll(lines(m), " ", "          "))
		if err != nil || !cmp.Equal(again, m, exported) {
			t.Fatalf("%v, %v, want %v", again, err, m)
		}
	})
}

func TestParseMapErrors(t *testing.T) {
	t.Parallel()
	for text, cause := range map[string]error{"0 1": nil, "0 1 2 3": nil, "a 1 1": strconv.ErrSyntax, "0 4294967296 1": strconv.ErrRange, "\n": nil} {
		if _, err := parseMap(text); err == nil || cause != nil && !errors.Is(err, cause) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
