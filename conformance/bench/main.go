// Command bench compares cstor with the tools that people use today, on the same
// stores, in one run, and writes the figures into a Markdown page.
//
// Commands of a group are run in turn (A B C A B C …), so that a machine whose speed
// drifts treats them alike; what counts is the ratio of the medians. One run of each
// comes first and is not counted: caches are warm, and what cstor wrote in it is
// compared with what it should write, or with what its peers found. A wrong answer ends the
// program. A target that is missed makes it fail too, when the page has been written.
//
// What is measured against lies in a work folder and is made once: the programs, a store
// with very many images, and the corpora of package corpora, 4.6 GiB. Exports take 3 GiB
// more while they run, OCI layouts as well, equal tars 2 GiB, extractions up to 12 GiB. The folder may be removed at any time; nothing else removes it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// options are the flags.
type options struct {
	runs   int
	images int
	layers int
	only   string
	out    string
	work   string
}

func main() {
	var o options
	flag.IntVar(&o.runs, "runs", 0, "counted runs of each command; 0: as many as suit its group")
	flag.IntVar(&o.images, "images", 500, "images in the listing store")
	flag.IntVar(&o.layers, "layers", 5000, "layers in the listing store")
	flag.StringVar(&o.only, "only", "", "run the groups whose titles match this regular expression; not with -out")
	flag.StringVar(&o.out, "out", "", "the page to write; empty: standard output")
	flag.StringVar(&o.work, "work", "/var/tmp/cstor-bench", "folder for stores and programs, which is kept; up to 17 GiB")
	flag.Parse()
	if err := run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if o.only != "" && o.out != "" {
		return errors.New("-out takes all groups, and -only some: a page would lose the others")
	}
	only, err := regexp.Compile(o.only)
	if err != nil {
		return err
	}
	if err := isolate(); err != nil {
		return err
	}
	b, err := newBench(ctx, o.work, o.runs)
	if err != nil {
		return err
	}
	var sections []section
	for _, p := range b.plans(o.images, o.layers) {
		if !only.MatchString(p.title) {
			continue
		}
		fmt.Fprintln(os.Stderr, "bench:", p.title)
		s, err := p.measure(p.title)
		if err != nil {
			return fmt.Errorf("%s: %w", p.title, err)
		}
		sections = append(sections, s)
	}
	if len(sections) == 0 {
		return fmt.Errorf("no group matches %q", o.only)
	}
	if err := report(o.out, b, sections); err != nil {
		return err
	}
	var missed []string
	for _, s := range sections {
		missed = append(missed, s.missed()...)
	}
	if len(missed) > 0 {
		return fmt.Errorf("targets missed:\n  %s", strings.Join(missed, "\n  "))
	}
	return nil
}

// section of the page.
type section interface {
	write(page *strings.Builder)
	missed() []string // the targets that were
}

// plan of a section.
type plan struct {
	title   string
	measure func(title string) (section, error)
}

func (b *bench) plans(images, layers int) []plan {
	plans := []plan{{"Listing", func(title string) (section, error) { return b.listing(title, images, layers) }}}
	for _, e := range exports {
		plans = append(plans, plan{e.title(), func(title string) (section, error) { return b.export(title, e) }})
	}
	for _, e := range extractions {
		plans = append(plans, plan{e.title(), func(title string) (section, error) { return b.extraction(title, e) }})
	}
	for _, l := range layouts {
		plans = append(plans, plan{l.title(), func(title string) (section, error) { return b.layout(title, l) }})
	}
	return append(plans,
		plan{"Image to one tar", func(title string) (section, error) { return b.flat(title) }},
		plan{"Image contents: one file", func(title string) (section, error) { return b.oneFile(title) }},
		plan{"Image contents: everything", func(title string) (section, error) { return b.table(title) }},
		plan{"Image contents: memory", func(title string) (section, error) { return b.memory(title) }},
		plan{"Image contents: packages merge and imagefs", func(title string) (section, error) { return b.trees(title) }},
		plan{"Equal tars: bigfiles", func(title string) (section, error) { return b.tars(title, "bigfiles") }},
		plan{"Equal tars: smallfiles", func(title string) (section, error) { return b.tars(title, "smallfiles") }},
		plan{"Package tarsplit", func(title string) (section, error) { return b.tarsplit(title) }},
	)
}
