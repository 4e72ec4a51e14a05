package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// report writes the page.
func report(path string, b *bench, sections []section) error {
	var page strings.Builder
	fmt.Fprintf(&page, `# Performance

Measured by `+"`make bench`"+`, which writes this page (as root: it makes stores): cstor and the tools that do the same today,
on the same store, in one run, in turn. For one group:

    cd conformance && go run -tags %s ./bench -only 'files: ordinary'

Machines are shared and noisy: look at the ratios. A ratio is the other command's median over that of the cstor command it
names: above 1, cstor is faster. Peak memory is that of the largest process (what the measuring program has itself, some
10 MiB, is the least that can be seen).

Caches are warm: a run of each command that does not count comes first, and the stores fit into memory. What cstor wrote in it
has been compared with the layers' diff ids, with a file itself, or with what its peers found; of listings and of flat tars only that
they are not empty (tests compare those). Before each run, except of extractions of many files, what the one before wrote is removed, and the file
system is synced. On the clock no command waits for the disk, unless it asks to, or the kernel makes it wait because too much is dirty.
Nothing is pinned to a core.

%s
`, tags, environment(b))
	for _, s := range sections {
		s.write(&page)
	}
	if path == "" {
		_, err := io.WriteString(os.Stdout, page.String())
		return err
	}
	return os.WriteFile(path, []byte(page.String()), 0o644)
}

func (g *group) write(page *strings.Builder) {
	fmt.Fprintf(page, "\n## %s\n\n%s\n\n| command | median | least – most | runs | peak memory | ratio |\n|---|---|---|---|---|---|\n", g.title, g.about)
	for i := range g.cases {
		c := &g.cases[i]
		if c.missing != "" {
			fmt.Fprintf(page, "| %s | %s | | | | |\n", c.name, c.missing)
			continue
		}
		median, least, most := spread(c.walls)
		peak := fmt.Sprintf("%d MiB", c.peak>>10)
		if c.maxPeak > 0 {
			peak += targetNote(fmt.Sprintf("at most %d", c.maxPeak>>10), c.tooLarge())
		}
		fmt.Fprintf(page, "| %s | %s | %s – %s | %d | %s | %s |\n", c.name, duration(median), duration(least), duration(most), len(c.walls), peak, g.ratioCell(c))
	}
}

func (g *group) ratioCell(c *timed) string {
	r := g.ratio(c)
	if r == 0 {
		return ""
	}
	cell := fmt.Sprintf("%.2f × `%s`", r, c.against)
	if c.target > 0 {
		cell += targetNote(fmt.Sprintf("at least %g", c.target), g.tooFast(c))
	}
	return cell
}

// targetNote tells a target, and whether it was missed.
func targetNote(target string, missed bool) string {
	if missed {
		return fmt.Sprintf(" (**missed**: %s)", target)
	}
	return fmt.Sprintf(" (target: %s)", target)
}
