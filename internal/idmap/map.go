package idmap

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Range is one line of a map: Size ids, Inside and those after it within the namespace,
// and Outside and those after it out of it.
type Range struct{ Inside, Outside, Size uint32 }

// Map is a map of ids. Of ranges that overlap the first counts (container-libs
// storage/pkg/idtools/idtools.go:RawToContainer). One without ranges stands for no
// map: each id is itself. It is safe for concurrent use while nobody writes to it.
type Map []Range

// Maps are the map of user ids and that of group ids.
type Maps struct{ UIDs, GIDs Map }

const (
	// None is no id: what a map says of one that it does not have. chown takes it
	// for "leave as it is".
	None = 1<<32 - 1
	// Overflow is what an id that a namespace does not map looks like there (linux
	// kernel/sys.c:overflowuid; a machine may set another, which nobody does).
	Overflow = 65534
	// MaxRanges is how many ranges the kernel takes (user_namespaces(7)).
	MaxRanges = 340
)

// IsZero reports whether there is no map.
func (m Maps) IsZero() bool { return len(m.UIDs) == 0 && len(m.GIDs) == 0 }

// In returns the id inside that outside stands for; [None] if there is none.
func (m Map) In(outside uint32) uint32 {
	if len(m) == 0 {
		return outside
	}
	for _, r := range m {
		if outside >= r.Outside && outside-r.Outside < r.Size {
			return r.Inside + (outside - r.Outside)
		}
	}
	return None
}

// Out returns the id that stands for inside out of the namespace; [None] if there is
// none.
func (m Map) Out(inside uint32) uint32 {
	if len(m) == 0 {
		return inside
	}
	if r, ok := m.within(inside); ok {
		return r.Outside + (inside - r.Inside)
	}
	return None
}

// within finds the range that has an id inside.
func (m Map) within(inside uint32) (Range, bool) {
	for _, r := range m {
		if inside >= r.Inside && inside-r.Inside < r.Size {
			return r, true
		}
	}
	return Range{}, false
}

// Has reports whether all ids of a range exist inside.
func (m Map) Has(s SubRange) bool {
	if len(m) == 0 {
		return true
	}
	for at, end := uint64(s.Start), uint64(s.Start)+uint64(s.Count); at < end; {
		r, ok := m.within(uint32(at))
		if !ok || at >= None {
			return false
		}
		at = uint64(r.Inside) + uint64(r.Size)
	}
	return true
}

// IsContiguous reports whether the ranges leave no gaps between them, inside nor
// outside. Mount programs do such maps themselves (container-libs
// storage/pkg/idtools/idtools.go:IsContiguous).
func (m Map) IsContiguous() bool {
	return contiguous(m, func(r Range) uint32 { return r.Inside }) && contiguous(m, func(r Range) uint32 { return r.Outside })
}

// contiguous reports whether the ranges, beginning at what first says, follow one upon
// the other.
func contiguous(m Map, first func(Range) uint32) bool {
	sorted := slices.SortedFunc(slices.Values(m), func(a, b Range) int { return cmp.Compare(first(a), first(b)) })
	for i := 1; i < len(sorted); i++ {
		if first(sorted[i]) != first(sorted[i-1])+sorted[i-1].Size {
			return false
		}
	}
	return true
}

// Lines is the map as /proc/PID/uid_map and gid_map take it, and [Parse].
func (m Map) Lines() string {
	var b strings.Builder
	for _, r := range m {
		fmt.Fprintf(&b, "%d %d %d\n", r.Inside, r.Outside, r.Size)
	}
	return b.String()
}
