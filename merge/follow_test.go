package merge_test

import (
	"errors"
	"io/fs"
	"iter"
	"strings"
	"syscall"
	"testing"

	"github.com/cstor-go/cstor/merge"
	"github.com/cstor-go/cstor/tarsplit"
)

func TestFollow(t *testing.T) {
	t.Parallel()
	link := func(name, target string) *tarsplit.Entry {
		return &tarsplit.Entry{Name: name, Type: '2', Linkname: target}
	}
	file := func(name string) *tarsplit.Entry { return &tarsplit.Entry{Name: name, Type: '0'} }
	layers := [][]*tarsplit.Entry{
		{file("usr/lib/f"), link("lib", "usr/lib"), link("abs", "/usr/lib/f"), link("up", "../../usr/./lib/"), link("usr/loop", "loop")},
		{link("usr/back", "../lib"), link("gone", "nowhere"), link("through", "gone/x"), link("empty", ""), link("slash", "/")},
	}
	var in []iter.Seq2[*tarsplit.Entry, error]
	for _, l := range layers {
		in = append(in, func(yield func(*tarsplit.Entry, error) bool) {
			for _, e := range l {
				if !yield(e, nil) {
					return
				}
			}
		})
	}
	tree, err := merge.Build(t.Context(), in, merge.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"": ".", "/": ".", "..": ".", "usr": "usr", "/usr/lib/../lib/f": "usr/lib/f", "lib": "usr/lib", "lib/f": "usr/lib/f", "abs": "usr/lib/f",
		"up": "usr/lib", "up/f": "usr/lib/f", "usr/back/f": "usr/lib/f", "usr/back/..": "usr", "slash": ".", "slash/lib/": "usr/lib", "lib//f": "usr/lib/f",
	} {
		if n, err := tree.Follow(name, true); err != nil || n.Path != want {
			t.Errorf("%q: %q, %v, want %q", name, n.Path, err, want)
		}
	}
	for name, want := range map[string]string{"lib": "lib", "lib/": "usr/lib", "lib/f": "usr/lib/f", "usr/loop": "usr/loop", "gone": "gone"} {
		if n, err := tree.Follow(name, false); err != nil || n.Path != want {
			t.Errorf("%q itself: %q, %v, want %q", name, n.Path, err, want)
		}
	}
	for name, want := range map[string]error{
		"nowhere": fs.ErrNotExist, "gone": fs.ErrNotExist, "through": fs.ErrNotExist, "empty": fs.ErrNotExist, "usr/loop": syscall.ELOOP,
		"lib/f/": syscall.ENOTDIR, "abs/x": syscall.ENOTDIR, strings.Repeat("x/", 60<<10): syscall.ENAMETOOLONG,
	} {
		_, err := tree.Follow(name, true)
		if path := (*fs.PathError)(nil); !errors.Is(err, want) || !errors.As(err, &path) || path.Path != name {
			t.Errorf("%.20q: %.100v, want %v", name, err, want)
		}
	}
}
