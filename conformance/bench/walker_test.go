package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseBenchmarks(t *testing.T) {
	t.Parallel()
	got := parseBenchmarks([]byte(`goos: linux
pkg: example.com/tarsplit
BenchmarkWalk/files=1000         	    1280	    936921 ns/op	   1067329 entries/s	  337960 B/op	      13 allocs/op
BenchmarkWalk/files=1000         	    1280	    936921 ns/op	   4.9e+05 entries/s	  337960 B/op	      13 allocs/op
BenchmarkReaderAt                	     100	  10000000 ns/op	       4.00 B/entry
BenchmarkReaderAtSequential      	     100	  10000000 ns/op	    2345.6 MB/s	       0 B/op
BenchmarkEntries                 	      10	  10000000 ns/op	    250000 entries/s
BenchmarkBroken                  	      10	  many ns/op
entries/s
PASS
`))
	want := []*benchmark{
		{"Walk/files=1000", "entries/s", []float64{1067329, 490000}},
		{"ReaderAt", "ns/op", []float64{1e7}},
		{"ReaderAtSequential", "MB/s", []float64{2345.6}},
		{"Entries", "entries/s", []float64{250000}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(benchmark{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestWalkTarget(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		row    benchmark
		missed bool
	}{
		{"the median counts", benchmark{"Walk", "entries/s", []float64{walkTarget, walkTarget + 1, 1}}, false},
		{"too slow", benchmark{"Walk/files=1", "entries/s", []float64{walkTarget - 1}}, true},
		{"no target", benchmark{"Entries", "entries/s", []float64{1}}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := &walker{rows: []*benchmark{&tc.row}}
			if missed := w.missed(); len(missed) > 0 != tc.missed {
				t.Errorf("missed: %q", missed)
			}
		})
	}
}
