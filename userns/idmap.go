package userns

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// idRange is a line of an id map: count ids, which are inside and those after it
// within the namespace, and outside and those after it out of it.
type idRange struct{ inside, outside, count uint32 }

// maxRanges is how many lines a map may have since Linux 4.15 (user_namespaces(7)).
const maxRanges = 340

// mapFor lays out a map as podman does: root is the user himself, and behind that
// come his subordinate ids, range by range, lowest first (podman
// pkg/rootless/rootless_linux.go:tryMappingTool, container-libs
// storage/pkg/idtools/idtools.go:createIDMap). A store that podman wrote has the
// owners that this layout gives it.
//
// Ranges that the kernel would refuse are refused here, where they have names.
func mapFor(own uint32, subordinate []subRange) ([]idRange, error) {
	sorted := slices.SortedStableFunc(slices.Values(subordinate), func(a, b subRange) int { return cmp.Compare(a.start, b.start) })
	m := []idRange{{0, own, 1}}
	inside, last := uint64(1), int64(-1)
	for _, r := range sorted {
		// The last id of all, 2³²−1, stands for none.
		end := uint64(r.start) + uint64(r.count)
		switch {
		case end > math.MaxUint32 || inside+uint64(r.count) > math.MaxUint32:
			return nil, fmt.Errorf("range %v: beyond the last id there is", r)
		case int64(r.start) <= last:
			return nil, fmt.Errorf("range %v: overlaps another one", r)
		case uint64(own) >= uint64(r.start) && uint64(own) < end:
			return nil, fmt.Errorf("range %v: holds id %d, which is the user's own", r, own)
		case len(m) == maxRanges:
			return nil, fmt.Errorf("over %d ranges", maxRanges-1)
		}
		m = append(m, idRange{uint32(inside), r.start, r.count})
		inside += uint64(r.count)
		last = int64(end) - 1
	}
	return m, nil
}

// lines is a map as /proc/PID/uid_map and gid_map take it.
func lines(m []idRange) string {
	var b strings.Builder
	for _, r := range m {
		fmt.Fprintf(&b, "%d %d %d\n", r.inside, r.outside, r.count)
	}
	return b.String()
}

// parseMap reads what those files say; it takes any white space.
func parseMap(text string) ([]idRange, error) {
	var m []idRange
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 3 {
			return nil, fmt.Errorf("id map %q: three numbers were expected", line)
		}
		var n [3]uint32
		for i, text := range f {
			v, err := strconv.ParseUint(text, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("id map %q: %w", line, err)
			}
			n[i] = uint32(v)
		}
		m = append(m, idRange{n[0], n[1], n[2]})
	}
	return m, nil
}
