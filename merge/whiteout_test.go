package merge_test

import (
	"testing"

	"github.com/cstor-go/cstor/merge"
)

func TestWhiteout(t *testing.T) {
	t.Parallel()
	type answer struct {
		dir, victim string
		opaque, ok  bool
	}
	for name, want := range map[string]answer{
		"":                 {},
		"/":                {},
		".":                {},
		"a":                {},
		".wh":              {},
		".whx":             {},
		"a.wh.b":           {},
		".wh.a/b":          {}, // the name of a file that no tree shows
		".WH.a":            {},
		".wh.a":            {".", "a", false, true},
		"/.wh.a":           {".", "a", false, true},
		"./d//.wh.a/":      {"d", "a", false, true},
		"d/e/.wh.a b":      {"d/e", "a b", false, true},
		"d/../.wh.a":       {".", "a", false, true},
		"../../.wh.a":      {".", "a", false, true},
		".wh.\xff":         {".", "\xff", false, true},
		".wh.wh.a":         {".", "wh.a", false, true},
		".wh..a":           {".", ".a", false, true},
		".wh....":          {".", "...", false, true},
		".wh.x/.wh.y":      {".wh.x", "y", false, true},
		"d/.wh..wh..opq":   {"d", "", true, true},
		".wh..wh..opq":     {".", "", true, true},
		"/.wh..wh..opq/":   {".", "", true, true},
		".wh.":             {".", "", false, true},
		".wh..":            {".", "", false, true},
		"d/.wh...":         {"d", "", false, true},
		".wh..wh.":         {".", "", false, true},
		".wh..wh.plnk":     {".", "", false, true},
		".wh..wh..opq.old": {".", "", false, true},
		"d/.wh..wh.aufs":   {"d", "", false, true},
	} {
		var got answer
		if got.dir, got.victim, got.opaque, got.ok = merge.Whiteout(name); got != want {
			t.Errorf("%q: %+v, want %+v", name, got, want)
		}
	}
}
