package idmap

import (
	"cmp"
	"fmt"
	"slices"
)

// ForUser is the map of the namespace in which podman and buildah run for an ordinary
// user: root is the user himself, own, and behind that come his subordinate ids, range
// by range, the lowest first (podman pkg/rootless/rootless_linux.go:tryMappingTool,
// container-libs storage/pkg/unshare/unshare_linux.go:MaybeReexecUsingUserNamespace,
// storage/pkg/idtools/idtools.go:createIDMap). Without ranges it is root alone.
//
// A map that the kernel would refuse is an error: ranges that overlap, that hold own, or
// ids beyond the last one, and over [MaxRanges].
func ForUser(own uint32, subordinate []SubRange) (Map, error) {
	sorted := slices.SortedStableFunc(slices.Values(subordinate), func(a, b SubRange) int { return cmp.Compare(a.Start, b.Start) })
	m := Map{{0, own, 1}}
	inside, last := uint32(1), uint64(0) // last is where the range before ends
	for _, r := range sorted {
		start, end := uint64(r.Start), uint64(r.Start)+uint64(r.Count)
		switch {
		case r.Count == 0:
			return nil, fmt.Errorf("range %v: it is empty", r)
		case end > None:
			return nil, fmt.Errorf("range %v: beyond the last id there is", r)
		case start < last:
			return nil, fmt.Errorf("range %v: overlaps another one", r)
		case uint64(own) >= start && uint64(own) < end:
			return nil, fmt.Errorf("range %v: holds id %d, which is the user's own", r, own)
		case len(m) == MaxRanges:
			return nil, fmt.Errorf("over %d ranges", MaxRanges-1)
		}
		// Ranges that do not overlap are no more ids than there are.
		m = append(m, Range{inside, r.Start, r.Count})
		inside += r.Count
		last = end
	}
	return m, nil
}
