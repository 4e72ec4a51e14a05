package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/cstor-go/cstor/conformance/bench/corpora"
)

// exportOf says how layers of a corpus are exported, and what is expected.
type exportOf struct {
	corpus string
	piped  bool
	runs   int
	target float64 // times as long as cstor the storage library must take
	tar    float64 // and tar
}

var exports = []exportOf{
	{corpus: "ordinary", runs: 5, target: 2.5, tar: 1},
	{corpus: "smallfiles", runs: 5, target: 3.5, tar: 1},
	{corpus: "bigfiles", runs: 3, target: 1.5, tar: 1},
	{corpus: "ordinary", piped: true, runs: 5},
	{corpus: "smallfiles", piped: true, runs: 3, target: 2.5},
	{corpus: "bigfiles", piped: true, runs: 3},
}

func (e exportOf) title() string {
	if e.piped {
		return "Export to a pipe: " + e.corpus
	}
	return "Export to files: " + e.corpus
}

// maxPeak is the memory that an export may take, whatever the layer holds: KiB.
const maxPeak = 64 << 10

// export compares writing each layer of an image as an uncompressed tar, to files or to
// a pipe.
func (b *bench) export(title string, e exportOf) (*group, error) {
	corpus, dir, d, err := b.corpus(e.corpus)
	if err != nil {
		return nil, err
	}
	help, err := exec.CommandContext(b.ctx, b.cstor, "export-layer", "--help").Output()
	if err != nil {
		return nil, fmt.Errorf("cstor export-layer --help: %w", err)
	}
	m := maker{bench: b, exportOf: e, root: corpora.Root(dir), runRoot: corpora.RunRoot(dir), image: d}
	g := &group{title: title, about: m.about(corpus), runs: e.runs}
	if !e.piped {
		g.out = filepath.Join(b.work, "out")
		m.out = g.out
	}
	g.cases = append(g.cases, m.cstor())
	ours := g.cases[0].name
	if strings.Contains(string(help), "--no-verify") {
		g.cases = append(g.cases, m.cstor("--no-verify"))
	}
	if !e.piped && strings.Contains(string(help), "--image") {
		g.cases = append(g.cases, m.cstorImage())
	}
	g.cases = append(g.cases, m.reference(), m.tarCase(), m.cat())
	for i := range g.cases[1:] {
		g.cases[i+1].against = ours
	}
	return g, g.measure(b)
}

// corpus returns a corpus, the folder in which it lies, and what is there. It is made if
// it is not there, by a program of its own: this one must stay small.
func (b *bench) corpus(name string) (c corpora.Corpus, dir string, d corpora.Description, err error) {
	if os.Geteuid() != 0 {
		return c, "", d, errors.New("a store is made by root: run this as root, or other groups (-only)")
	}
	if c, err = corpora.Find(name); err != nil {
		return c, "", d, err
	}
	dir = corpora.Folder(b.work, name)
	d, err = corpora.Read(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return c, dir, d, err
	}
	maker := filepath.Join(b.work, "mkcorpus")
	if err := goBuild(b.ctx, ".", maker, "-tags", tags, "./bench/mkcorpus"); err != nil {
		return c, dir, d, err
	}
	if out, err := exec.CommandContext(b.ctx, maker, name, dir).CombinedOutput(); err != nil {
		return c, dir, d, fmt.Errorf("%w: %s", err, out)
	}
	d, err = corpora.Read(dir)
	return c, dir, d, err
}
