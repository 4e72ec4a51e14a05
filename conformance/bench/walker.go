package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// walker is the section of package tarsplit's own benchmarks.
type walker struct {
	title string
	rows  []*benchmark
}

// walkTarget is how many entries a second one core must read of a recipe.
const walkTarget = 500_000

// walker runs the benchmarks. Those of the random access reader make many files first, and run once.
func (b *bench) walker(title string) (*walker, error) {
	runs := 3
	if b.runs > 0 {
		runs = b.runs
	}
	w := &walker{title: title}
	for _, set := range []struct {
		pattern string
		runs    int
	}{{"Walk|Entries", runs}, {"ReaderAt", 1}} {
		cmd := exec.CommandContext(b.ctx, "go", "test", "-run", "^$", "-bench", set.pattern, "-cpu", "1", "-benchtime", "500ms", "-count", strconv.Itoa(set.runs), "./tarsplit")
		cmd.Dir, cmd.Stderr, cmd.Env = "..", os.Stderr, append(os.Environ(), "CGO_ENABLED=0")
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("go test -bench: %w: %s", err, out)
		}
		w.rows = append(w.rows, parseBenchmarks(out)...)
	}
	if !slices.ContainsFunc(w.rows, (*benchmark).isWalk) {
		return nil, fmt.Errorf("package tarsplit has no benchmark of the walk that counts entries")
	}
	return w, nil
}

// isWalk: it has a target.
func (b *benchmark) isWalk() bool { return strings.HasPrefix(b.name, "Walk") && b.unit == "entries/s" }

// tooSlow: fewer entries a second than the target.
func (b *benchmark) tooSlow() bool {
	median, _, _ := spread(b.values)
	return b.isWalk() && median < walkTarget
}

func (w *walker) missed() (names []string) {
	for _, b := range w.rows {
		if median, _, _ := spread(b.values); b.tooSlow() {
			names = append(names, fmt.Sprintf("%s: %s: %.0f entries/s, the target is %d", w.title, b.name, median, walkTarget))
		}
	}
	return names
}

func (w *walker) write(page *strings.Builder) {
	fmt.Fprintf(page, "\n## %s\n\nBenchmarks of package tarsplit, on one core. Walk and Entries read a tar-split recipe that is in memory, without the files'\n"+
		"content.\n\n| benchmark | median | least – most | runs |\n|---|---|---|---|\n", w.title)
	for _, b := range w.rows {
		median, least, most := spread(b.values)
		target := ""
		if b.isWalk() {
			target = targetNote(fmt.Sprintf("at least %g million", walkTarget/1e6), b.tooSlow())
		}
		fmt.Fprintf(page, "| %s | %s%s | %s – %s | %d |\n", b.name, b.amount(median), target, b.amount(least), b.amount(most), len(b.values))
	}
}
