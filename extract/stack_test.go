package extract

import (
	"testing"

	"github.com/cstor-go/cstor"
)

// TestStackNames: only names of layers that there are, and of holes, are taken apart.
func TestStackNames(t *testing.T) {
	t.Parallel()
	s := stack(make([]*cstor.Layer, 2))
	for name, want := range map[string]struct {
		layer int
		file  string
		ok    bool
	}{
		"\x000/a":      {0, "a", true},
		"\x001/a/b":    {1, "a/b", true},
		"\x00hole/7":   {hole, "7", true},
		"":             {},
		"a":            {},
		"1/a":          {},
		"\x00":         {},
		"\x001":        {},
		"\x002/a":      {},
		"\x009":        {},
		"\x00-1/a":     {},
		"\x00-9/a":     {},
		"\x00nothing/": {},
	} {
		layer, file, ok := s.split(name)
		if layer != want.layer || file != want.file || ok != want.ok {
			t.Errorf("%q: %d, %q, %v", name, layer, file, ok)
		}
		if want.ok {
			continue
		}
		if f, err := s.OpenFile(name); err == nil {
			t.Errorf("%q was opened", name)
			f.Close()
		}
		if _, err := s.ReadFile(name, nil); err == nil {
			t.Errorf("%q was read", name)
		}
	}
}
