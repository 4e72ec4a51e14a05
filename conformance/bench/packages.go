package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// packages is a section of benchmarks that packages have themselves.
type packages struct {
	title, about string
	goals        []goal
	rows         []*benchmark
}

// goSet are benchmarks of one package, each with the first of the units that it has.
type goSet struct {
	name, dir string // of the package; the name may be empty
	pattern   string
	units     []string
	once      bool // making what they read takes long
}

// goal is what the median of benchmarks must reach, or stay below.
type goal struct {
	prefix, unit string // of those that it is for
	value        float64
	below        bool
}

func (b *bench) tarsplit(title string) (*packages, error) {
	units := []string{"entries/s", "MB/s", "ns/op"}
	return b.packages(packages{
		title: title,
		about: "Benchmarks of package tarsplit, on one core. Walk and Entries read a tar-split recipe that is in memory, without the files'\ncontent.",
		goals: []goal{{prefix: "Walk", unit: "entries/s", value: 500_000}},
	}, goSet{dir: "./tarsplit", pattern: "Walk|Entries", units: units}, goSet{dir: "./tarsplit", pattern: "ReaderAt", units: units, once: true})
}

func (b *bench) trees(title string) (*packages, error) {
	return b.packages(packages{
		title: title,
		about: "Benchmarks of packages merge and imagefs, on one core. Build merges headers that are in memory, and B/entry is what the tree keeps\n" +
			"of them, names included; Open opens a file of the lowest of 60 layers through all of them, over and over.",
		goals: []goal{{prefix: "imagefs: Open", unit: "ns/op", value: 1e6, below: true}},
	}, goSet{name: "merge", dir: "./merge", pattern: "Build|All|Lookup", units: []string{"entries/s", "nodes/s", "ns/op"}},
		goSet{name: "merge", dir: "./merge", pattern: "Build", units: []string{"B/entry"}, once: true},
		goSet{name: "imagefs", dir: "./imagefs", pattern: "Open", units: []string{"ns/op"}})
}

// packages runs the benchmarks of a section.
func (b *bench) packages(p packages, sets ...goSet) (*packages, error) {
	for _, set := range sets {
		runs := 3
		switch {
		case set.once:
			runs = 1
		case b.runs > 0:
			runs = b.runs
		}
		cmd := exec.CommandContext(b.ctx, "go", "test", "-run", "^$", "-bench", set.pattern, "-cpu", "1", "-benchtime", "500ms", "-count", strconv.Itoa(runs), set.dir)
		cmd.Dir, cmd.Stderr, cmd.Env = "..", os.Stderr, append(os.Environ(), "CGO_ENABLED=0")
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("go test -bench: %w: %s", err, out)
		}
		for _, row := range parseBenchmarks(out, set.units...) {
			if set.name != "" {
				row.name = set.name + ": " + row.name
			}
			p.rows = append(p.rows, row)
		}
	}
	return &p, p.whole()
}

// whole fails when there is nothing that a goal is for.
func (p *packages) whole() error {
	for _, g := range p.goals {
		n := 0
		for _, b := range p.rows {
			if g.of(b) {
				n++
			}
		}
		if n == 0 {
			return fmt.Errorf("there is no benchmark %q that counts %s", g.prefix, g.unit)
		}
	}
	return nil
}

func (g goal) of(b *benchmark) bool { return b.unit == g.unit && strings.HasPrefix(b.name, g.prefix) }

func (g goal) missed(b *benchmark) bool {
	median, _, _ := spread(b.values)
	if g.below {
		return median >= g.value
	}
	return median < g.value
}

func (g goal) text(b *benchmark) string {
	if g.below {
		return "below " + b.amount(g.value)
	}
	return "at least " + b.amount(g.value)
}

func (p *packages) missed() (names []string) {
	for _, b := range p.rows {
		for _, g := range p.goals {
			if median, _, _ := spread(b.values); g.of(b) && g.missed(b) {
				names = append(names, fmt.Sprintf("%s: %s: %s, the target is %s", p.title, b.name, b.amount(median), g.text(b)))
			}
		}
	}
	return names
}

func (p *packages) write(page *strings.Builder) {
	fmt.Fprintf(page, "\n## %s\n\n%s\n\n| benchmark | median | least – most | runs |\n|---|---|---|---|\n", p.title, p.about)
	for _, b := range p.rows {
		median, least, most := spread(b.values)
		target := ""
		for _, g := range p.goals {
			if g.of(b) {
				target = targetNote(g.text(b), g.missed(b))
			}
		}
		fmt.Fprintf(page, "| %s | %s%s | %s – %s | %d |\n", b.name, b.amount(median), target, b.amount(least), b.amount(most), len(b.values))
	}
}
