package cstor_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cstor-go/cstor"
)

// FuzzChain: the chain of a layer is what following parents one by one gives, base
// first, if that ends. Each byte stands for a layer, and says how far back its parent
// is; 255 stands for none, 254 for one that is not there.
func FuzzChain(f *testing.F) {
	none, gone := byte(255), byte(254)
	f.Add([]byte{none})
	f.Add([]byte{gone})
	f.Add([]byte{0})
	f.Add([]byte{none, 1, 1, 1})
	f.Add([]byte{none, 1, 2, 1, none, 1, 3})
	f.Add([]byte{1, 1, 1})
	f.Add([]byte{gone, 1, 1})
	long := append([]byte{none}, slices.Repeat([]byte{1}, cstor.MaxChain)...)
	f.Add(long[:cstor.MaxChain])
	f.Add(long)
	f.Add(slices.Repeat([]byte{1}, cstor.MaxChain+10))
	root := f.TempDir()
	check(f, os.MkdirAll(filepath.Join(root, "overlay-layers"), 0o755))
	f.Fuzz(func(t *testing.T, layers []byte) {
		layers = layers[:min(len(layers), 600)]
		parents := map[string]string{}
		var records []string
		for n, back := range layers {
			id := fmt.Sprint("n", n)
			switch back {
			case none:
			case gone:
				parents[id] = "gone"
			default: // around the end: there are circles
				parents[id] = fmt.Sprint("n", (n+len(layers)*int(back)-int(back))%len(layers))
			}
			records = append(records, fmt.Sprintf(`{"id":%q,"parent":%q}`, id, parents[id]))
		}
		write(t, filepath.Join(root, "overlay-layers/layers.json"), "["+strings.Join(records, ",")+"]")
		s, err := cstor.Open(t.Context(), root, cstor.Options{})
		check(t, err)
		defer s.Close()
		for n := len(layers) - 1; n >= 0; n -= 1 + len(layers)/7 {
			id := fmt.Sprint("n", n)
			var want []string
			ok := true
			for at := id; at != ""; at = parents[at] {
				if at == "gone" || len(want) == cstor.MaxChain {
					want, ok = nil, false
					break
				}
				want = slices.Insert(want, 0, at)
			}
			l, err := s.Layer(id)
			check(t, err)
			chain, err := l.Chain()
			var got []string
			for _, l := range chain {
				got = append(got, l.ID())
			}
			if !slices.Equal(got, want) || ok != (err == nil) || err != nil && !errors.Is(err, cstor.ErrDamaged) {
				t.Errorf("%v: chain of %s: %q, %v; want %q", layers, id, got, err, want)
			}
		}
	})
}
