package driver

import (
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"testing"
)

// TestWalkMemory: to put long links into each other takes little, however many there are.
func TestWalkMemory(t *testing.T) { // not parallel: it measures the heap
	x := newIndex(nil)
	put := func(base string, n *flatNode) {
		t.Helper()
		if err := x.put(x.root, base, n); err != nil {
			t.Fatal(err)
		}
	}
	long := strings.Repeat("d", 4000)
	put(long, newFlatDir(nil))
	target := "."
	for i := range maxLinks { // each leads through the one before, and long
		base := fmt.Sprint("l", i)
		put(base, &flatNode{mode: fs.ModeSymlink, link: target + "/../" + long})
		target = base
	}
	const lookups = 100
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range lookups {
		if at, base, err := x.dir(target + "/f"); err != nil || base != "f" || at != x.root.children[long] {
			t.Fatal(base, err)
		}
	}
	runtime.ReadMemStats(&after)
	if got := (after.TotalAlloc - before.TotalAlloc) / lookups; got > 64<<10 {
		t.Errorf("%d bytes in a lookup", got)
	}
}
