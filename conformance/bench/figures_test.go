package main

import (
	"strings"
	"testing"
	"time"
)

func TestSpread(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name                string
		values              []int
		median, least, most int
	}{
		{"none", nil, 0, 0, 0},
		{"one", []int{7}, 7, 7, 7},
		{"odd", []int{9, 1, 5}, 5, 1, 9},
		{"even", []int{4, 3, 2, 1}, 3, 1, 4},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			median, least, most := spread(tc.values)
			if median != tc.median || least != tc.least || most != tc.most {
				t.Errorf("%d, %d – %d; want %d, %d – %d", median, least, most, tc.median, tc.least, tc.most)
			}
		})
	}
}

func seconds(values ...int) (walls []time.Duration) {
	for _, v := range values {
		walls = append(walls, time.Duration(v)*time.Second)
	}
	return walls
}

func TestTargets(t *testing.T) {
	t.Parallel()
	ours := timed{name: "ours", walls: seconds(2, 1, 100), peak: 20 << 10, maxPeak: 64 << 10}
	for _, tc := range []struct {
		name   string
		peer   timed
		ratio  float64
		missed bool
	}{
		{"above", timed{against: "ours", target: 2, walls: seconds(5, 1, 50)}, 2.5, false},
		{"exactly", timed{against: "ours", target: 2.5, walls: seconds(5)}, 2.5, false},
		{"below", timed{against: "ours", target: 3, walls: seconds(5)}, 2.5, true},
		{"no target", timed{against: "ours", walls: seconds(1)}, 0.5, false},
		{"nothing to compare", timed{target: 3, walls: seconds(1)}, 0, false},
		{"not installed", timed{against: "ours", target: 3, missing: "not installed"}, 0, false},
		{"another's memory", timed{walls: seconds(1), peak: 1 << 20}, 0, false},
		{"all of the memory", timed{walls: seconds(1), maxPeak: 1 << 20, peak: 1 << 20}, 0, false},
		{"too much memory", timed{walls: seconds(1), maxPeak: 1 << 20, peak: 1<<20 + 1}, 0, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.peer.name = "peer"
			g := &group{title: "title", cases: []timed{ours, tc.peer}}
			if r := g.ratio(&g.cases[1]); r != tc.ratio {
				t.Errorf("ratio %g, want %g", r, tc.ratio)
			}
			if missed := g.missed(); len(missed) > 0 != tc.missed {
				t.Errorf("missed: %q", missed)
			}
			var page strings.Builder
			if g.write(&page); strings.Contains(page.String(), "**missed**") != tc.missed {
				t.Errorf("the page says:\n%s", page.String())
			}
		})
	}
}
