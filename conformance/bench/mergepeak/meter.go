package main

import (
	"context"
	"iter"
	"path"
	"runtime"
	"sync"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/tarsplit"
)

// peak is what a merge took. Sizes are bytes of the heap that were in use, and not
// garbage, beyond what had been before.
type peak struct {
	Entries int   // of all layers
	Names   int64 // bytes of their names' last components, and of links' targets
	Nodes   int   // of the merged tree
	Most    int64 // at any time, with what decodes the layers
	Kept    int64 // by the tree
}

// meter looks at the heap while layers are merged.
type meter struct {
	mu      sync.Mutex
	entries int
	names   int64
	most    int64
}

// every is how many entries are read from one look to the next.
const every = 4096

// watch returns the layers' entries, which count when they are read.
func (m *meter) watch(ctx context.Context, layers []*cstor.Layer) (all []iter.Seq2[*tarsplit.Entry, error]) {
	for _, l := range layers {
		all = append(all, func(yield func(*tarsplit.Entry, error) bool) {
			for e, err := range l.Entries(ctx) {
				if err == nil {
					m.count(e)
				}
				if !yield(e, err) {
					return
				}
			}
			m.look() // a layer is complete
		})
	}
	return all
}

func (m *meter) count(e *tarsplit.Entry) {
	m.mu.Lock()
	m.names += int64(len(path.Base(e.Name)) + len(e.Linkname))
	m.entries++
	due := m.entries%every == 0
	m.mu.Unlock()
	if due {
		m.look()
	}
}

func (m *meter) look() {
	now := m.inUse()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.most = max(m.most, now)
}

func (*meter) inUse() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// watched is a context that looks whenever it is looked at: while layers are laid upon
// each other no entries are read.
type watched struct {
	context.Context
	*meter
}

func (w watched) Err() error {
	w.look()
	return w.Context.Err()
}
