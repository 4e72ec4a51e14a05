package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// spread of sorted values: the median (of an even number, the upper one), the least and
// the most. Zeros for none.
func spread[T cmp.Ordered](values []T) (median, least, most T) {
	s := slices.Sorted(slices.Values(values))
	if len(s) == 0 {
		return median, least, most
	}
	return s[len(s)/2], s[0], s[len(s)-1]
}

// ratio of a case's median to that of the case it is compared with; 0 when there is
// nothing to compare.
func (g *group) ratio(c *timed) float64 {
	i := slices.IndexFunc(g.cases, func(o timed) bool { return o.name == c.against })
	if i < 0 {
		return 0
	}
	theirs, _, _ := spread(c.walls)
	ours, _, _ := spread(g.cases[i].walls)
	if ours == 0 {
		return 0
	}
	return float64(theirs) / float64(ours)
}

// tooFast: the case took less than its target times as long as ours.
func (g *group) tooFast(c *timed) bool {
	r := g.ratio(c)
	return r > 0 && r < c.target
}

// tooLarge: the case took more memory than it may.
func (c *timed) tooLarge() bool { return c.maxPeak > 0 && c.peak > c.maxPeak }

// missed names the targets that were.
func (g *group) missed() (names []string) {
	for i := range g.cases {
		c := &g.cases[i]
		if g.tooFast(c) {
			names = append(names, fmt.Sprintf("%s: %s: %.2f × %s, the target is %g", g.title, c.name, g.ratio(c), c.against, c.target))
		}
		if c.tooLarge() {
			names = append(names, fmt.Sprintf("%s: %s: %d MiB, the limit is %d", g.title, c.name, c.peak>>10, c.maxPeak>>10))
		}
	}
	return names
}

// duration in milliseconds, or in seconds when it is long.
func duration(d time.Duration) string {
	if d >= 10*time.Second {
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}
