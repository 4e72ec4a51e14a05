package merge

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cstor-go/cstor/tarsplit"
)

var errLayer = errors.New("the layer is gone")

// failing yields n entries and then an error.
func failing(n int, err error) iter.Seq2[*tarsplit.Entry, error] {
	return func(yield func(*tarsplit.Entry, error) bool) {
		for i := range n {
			if !yield(&tarsplit.Entry{Name: fmt.Sprint(i), Type: tar.TypeReg}, nil) {
				return
			}
		}
		if yield(nil, err) {
			panic("asked for more after an error")
		}
	}
}

// TestErrorsOfLayers: the lowest layer's is returned, as it is.
func TestErrorsOfLayers(t *testing.T) {
	t.Parallel()
	other := errors.New("another")
	fine := sequences(stack(t, `f a`))[0]
	for name, layers := range map[string][]iter.Seq2[*tarsplit.Entry, error]{
		"one":          {failing(0, errLayer)},
		"at the end":   {failing(3000, errLayer)},
		"the lowest":   {fine, failing(5000, errLayer), failing(0, other), fine},
		"before":       {fine, failing(10, errLayer), sequences(stack(t, `f a; f a/x`))[0]},
		"far above":    append(slices.Repeat([]iter.Seq2[*tarsplit.Entry, error]{fine}, 50), failing(7, errLayer)),
		"many of them": slices.Repeat([]iter.Seq2[*tarsplit.Entry, error]{failing(7, errLayer)}, 50),
	} {
		for range 5 {
			if tree, err := Build(t.Context(), layers, Options{}); err != errLayer || tree != nil { //nolint:errorlint // not wrapped
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestContext: its end is noticed in a layer without end, and its cause returned.
func TestContext(t *testing.T) {
	t.Parallel()
	for _, layers := range []int{1, 2, 5} {
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		var all []iter.Seq2[*tarsplit.Entry, error]
		for l := range layers {
			entries, _ := generate(1<<30, func(i int) tarsplit.Entry {
				if i == 5000 && l == 0 {
					cancel(errLayer)
				}
				return tarsplit.Entry{Name: "a", Type: tar.TypeReg}
			})
			all = append(all, entries)
		}
		if _, err := Build(ctx, all, Options{MaxEntries: 1 << 30}); !errors.Is(err, errLayer) {
			t.Errorf("%d layers: %v", layers, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for n := range 3 {
		all := slices.Repeat(sequences(stack(t, `f a`)), n)
		if _, err := Build(ctx, all, Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%d layers: %v", n, err)
		}
	}
}

// TestOnceEach: each layer is asked for once, and no more of them at the same time than
// there are processors; none is being read when Build returns.
func TestOnceEach(t *testing.T) {
	t.Parallel()
	for _, bad := range []int{-1, 0, 7} {
		var running, most atomic.Int32
		var asked [40]atomic.Int32
		var layers []iter.Seq2[*tarsplit.Entry, error]
		for l := range asked {
			layers = append(layers, func(yield func(*tarsplit.Entry, error) bool) {
				asked[l].Add(1)
				now := running.Add(1)
				for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
				}
				defer running.Add(-1)
				if l == bad {
					yield(nil, errLayer)
					return
				}
				for i := range 3000 {
					if !yield(&tarsplit.Entry{Name: fmt.Sprint(l + i), Type: tar.TypeReg}, nil) {
						return
					}
				}
			})
		}
		tree, err := Build(t.Context(), layers, Options{})
		if n := running.Load(); n != 0 {
			t.Errorf("%d layers are being read", n)
		}
		if (err == nil) != (bad < 0) {
			t.Errorf("bad layer %d: %v", bad, err)
		}
		if err == nil && tree.Len() != 1+3000+len(asked)-1 {
			t.Errorf("%d nodes", tree.Len())
		}
		if n := int(most.Load()); n > runtime.GOMAXPROCS(0) {
			t.Errorf("%d layers at the same time", n)
		}
		for l := range asked {
			if n := asked[l].Load(); n > 1 || bad < 0 && n != 1 {
				t.Errorf("layer %d was asked for %d times", l, n)
			}
		}
	}
}

// TestAlways: a stack gives the same tree every time, with one processor or several.
func TestAlways(t *testing.T) { // not parallel: it sets GOMAXPROCS
	sequences := corpus{layers: 12, entries: 500, dress: withLinks}.sequences()
	var want []string
	for _, processors := range []int{1, 2, 8, 3} {
		before := runtime.GOMAXPROCS(processors)
		tree, err := Build(t.Context(), sequences, Options{})
		runtime.GOMAXPROCS(before)
		if err != nil {
			t.Fatal(err)
		}
		got := shown(tree)
		if want == nil {
			want = got
		}
		if len(got) < 3000 || !slices.Equal(got, want) {
			t.Errorf("%d processors: another tree", processors)
		}
	}
}

// TestTreeIsShared: a tree can be read by many, and left in the middle.
func TestTreeIsShared(t *testing.T) {
	t.Parallel()
	c := corpus{layers: 2, entries: 2000, dress: withLinks}
	tree, err := Build(t.Context(), c.sequences(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := shown(tree)
	var readers sync.WaitGroup
	for r := range 4 {
		readers.Go(func() {
			for range 5 {
				if !slices.Equal(shown(tree), want) {
					t.Error("another tree")
				}
				i := 0
				for n := range tree.All() {
					if i++; i > 100*r {
						break
					}
					if found, ok := tree.Lookup(n.Path); !ok || found.String() != n.String() {
						t.Errorf("%v, %v", found, n)
					}
				}
			}
		})
	}
	readers.Wait()
}

// TestBelow: a directory's own names, in order, and no more than are asked for.
func TestBelow(t *testing.T) {
	t.Parallel()
	tree := build(t, `f b/c; f b/a; f b/a.x; f a; l l b; d e`)
	for dir, want := range map[string]string{
		".": `f a 0.3; d b -; d e 0.5; l l 0.4 b`, "": `f a 0.3; d b -; d e 0.5; l l 0.4 b`,
		"b": `f b/a 0.1; f b/a.x 0.2; f b/c 0.0`, "/x/../b/": `f b/a 0.1; f b/a.x 0.2; f b/c 0.0`,
		"e": ``, "a": ``, "l": ``, "l/a": ``, "nothing": ``, "b/nothing": ``, "b/a/x": ``,
	} {
		var got []string
		for n := range tree.Below(dir) {
			got = append(got, n.String())
		}
		same(t, got, lines(want))
	}
	for n := range tree.Below("b") {
		if n.Path != "b/a" {
			t.Errorf("%v", n)
		}
		break
	}
}
