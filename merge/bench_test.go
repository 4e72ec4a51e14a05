package merge

import (
	"fmt"
	"runtime"
	"testing"
)

// BenchmarkBuild merges entries that have been decoded before. B/entry is what the tree
// keeps, names included.
func BenchmarkBuild(b *testing.B) {
	for _, c := range []corpus{{layers: 1, entries: 150_000}, {layers: 60, entries: 5000}, {layers: 10, entries: 15_000}} {
		b.Run(fmt.Sprintf("layers=%d/entries=%d", c.layers, c.entries), func(b *testing.B) {
			layers := c.decoded()
			sequences := sequences(layers)
			total := c.layers * c.entries
			before := inUse()
			var tree *Tree
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if tree, err = Build(b.Context(), sequences, Options{}); err != nil || tree.Len() < c.entries {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(total)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
			b.ReportMetric(float64(int64(inUse())-int64(before))/float64(total), "B/entry")
			runtime.KeepAlive(tree)
			runtime.KeepAlive(layers)
		})
	}
}

// BenchmarkAll yields all nodes of a tree.
func BenchmarkAll(b *testing.B) {
	c := corpus{layers: 1, entries: 150_000}
	tree, err := Build(b.Context(), c.sequences(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		for node := range tree.All() {
			n += min(1, len(node.Path))
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "nodes/s")
}

func BenchmarkLookup(b *testing.B) {
	c := corpus{layers: 1, entries: 150_000}
	tree, err := Build(b.Context(), c.sequences(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		name, _ := c.name(0, i%c.entries)
		if _, ok := tree.Lookup(name); !ok {
			b.Fatal(name)
		}
	}
}
