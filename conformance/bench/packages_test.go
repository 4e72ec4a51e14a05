package main

import (
	"strings"
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
`), "entries/s", "MB/s", "ns/op")
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

func TestGoals(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		row    benchmark
		missed bool
	}{
		{"the median counts", benchmark{"Walk", "entries/s", []float64{500, 501, 1}}, false},
		{"too slow", benchmark{"Walk/files=1", "entries/s", []float64{499}}, true},
		{"another unit", benchmark{"Walk", "ns/op", []float64{1}}, false},
		{"no goal", benchmark{"Entries", "entries/s", []float64{1}}, false},
		{"below", benchmark{"fs: Open", "ns/op", []float64{999, 1, 2000}}, false},
		{"not below", benchmark{"fs: Open", "ns/op", []float64{1000}}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := &packages{rows: []*benchmark{&tc.row}, goals: []goal{
				{prefix: "Walk", unit: "entries/s", value: 500}, {prefix: "fs: Open", unit: "ns/op", value: 1000, below: true},
			}}
			if missed := p.missed(); len(missed) > 0 != tc.missed {
				t.Errorf("missed: %q", missed)
			}
			var page strings.Builder
			if p.write(&page); strings.Contains(page.String(), "**missed**") != tc.missed {
				t.Errorf("the page says:\n%s", page.String())
			}
			if err := p.whole(); err == nil {
				t.Error("one of the goals is for nothing")
			}
		})
	}
}
