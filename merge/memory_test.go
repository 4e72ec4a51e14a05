package merge

import (
	"context"
	"runtime"
	"sync"
	"testing"
)

// highWater is a context that looks, each time that Build looks at it, how much of the
// heap is in use.
type highWater struct {
	context.Context
	mu    sync.Mutex
	calls int
	every int
	most  uint64
}

func (h *highWater) Err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.calls++; h.calls%h.every == 0 {
		h.look()
	}
	return nil
}

func (h *highWater) look() {
	h.most = max(h.most, inUse())
}

func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestMemory: Build needs less than 400 bytes for an entry at any time, and for what it
// has more than others, beside names. What it returns has less.
func TestMemory(t *testing.T) { // not parallel: it measures the heap
	for _, c := range []struct {
		name string
		corpus
		peak, kept int64 // bytes an entry
	}{
		{"one layer", corpus{layers: 1, entries: 150_000}, 200, 110},
		{"many layers", corpus{layers: 60, entries: 5000}, 200, 110},
		{"two layers", corpus{layers: 2, entries: 75_000}, 250, 110},
		{"with digests", corpus{layers: 2, entries: 50_000, dress: withDigest}, 320, 140},
		{"with attributes", corpus{layers: 2, entries: 50_000, dress: withXattrs}, 400, 300},
		{"with hard links", corpus{layers: 2, entries: 50_000, dress: withLinks}, 300, 120},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := inUse()
			water := &highWater{Context: context.Background(), every: 1 + c.layers*c.entries/1000/40}
			c.end = func(int) {
				water.mu.Lock()
				defer water.mu.Unlock()
				water.look()
			}
			tree, err := Build(water, c.sequences(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			entries, names := int64(c.layers*c.entries), c.namesLen()
			peak := (int64(water.most) - int64(before) - names) / entries
			kept := (int64(inUse()) - int64(before) - names) / entries
			t.Logf("%d entries, %d nodes, %d looks: at most %d bytes an entry, %d at the end, and %d of names",
				entries, tree.Len(), water.calls/water.every, peak, kept, names/entries)
			if water.calls < 20 || peak > c.peak || peak < 20 || kept > c.kept {
				t.Errorf("%d looks: %d and %d bytes an entry, want at most %d and %d", water.calls, peak, kept, c.peak, c.kept)
			}
			runtime.KeepAlive(tree)
		})
	}
}

// TestSmallStack: a small stack needs little.
func TestSmallStack(t *testing.T) {
	before := inUse()
	tree := build(t, `f a`)
	if grown := int64(inUse()) - int64(before); grown > 64<<10 {
		t.Errorf("%d bytes for one file", grown)
	}
	runtime.KeepAlive(tree)
}
