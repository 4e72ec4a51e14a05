package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// extractionOf says what is extracted where, and what is expected.
type extractionOf struct {
	corpus, fs     string
	runs           int
	cp, tar, umoci float64 // times as long as cstor they must take
	never          float64 // and cstor itself, where it copies: time does not grow with the bytes that are shared
	few            bool    // files, and large: what was made is removed again
}

var extractions = []extractionOf{
	{corpus: "ordinary", fs: "xfs", runs: 5, cp: 1, tar: 1, umoci: 1},
	{corpus: "smallfiles", fs: "xfs", runs: 3, cp: 2.5, tar: 1.5, umoci: 6},
	{corpus: "bigfiles", fs: "xfs", runs: 3, cp: 1, never: 10, few: true},
	{corpus: "ordinary", fs: "ext4", runs: 5, cp: 1, tar: 1, umoci: 1},
	{corpus: "smallfiles", fs: "ext4", runs: 3, cp: 2.5, tar: 1.5, umoci: 6},
}

func (e extractionOf) title() string { return "Extraction: " + e.corpus + ", " + e.fs }

// maxTreePeak is the memory that an extraction may take: KiB.
const maxTreePeak = 150 << 10

// extraction compares ways from a stored image to a directory, on a file system of its
// own that has the store as well: trees of many files are kept while it lasts, because on some file
// systems it takes much longer to make files soon after others were removed.
func (b *bench) extraction(title string, e extractionOf) (g *group, err error) {
	c, of, err := b.contents(e.corpus)
	if err != nil {
		return nil, err
	}
	dir, unmount, err := b.fileSystem(e.fs)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unmount()) }()
	if err := c.moveTo(dir); err != nil {
		return nil, err
	}
	const ours = "cstor reflink-to-dir"
	g = &group{
		title: title,
		about: c.about(of) + " It is extracted to a new directory on a new " + e.fs + " file system in a file, on which the store lies too. " +
			"In the run that does not count, those that start from the same have been found to make the same tree: names, types, owners, " +
			"modes, sizes, times in seconds, and links.",
		runs: e.runs, trees: filepath.Join(dir, "trees"), removed: e.few,
	}
	if err := os.Mkdir(g.trees, 0o700); err != nil {
		return nil, err
	}
	g.cases = append(g.cases, c.extractor("--reflink", "auto"))
	g.cases[0].name = ours
	if e.fs == "xfs" {
		g.cases[0] = c.extractor()
		never := c.extractor("--reflink", "never")
		never.name, never.target = ours+" --reflink never", e.never
		g.cases = append(g.cases, never)
	}
	// The kernel lists whiteouts that hide nothing, which cp and tar then do not find, and
	// complain. What they make is compared.
	cp, err := c.mounted(`cp -a --reflink=auto "$dir" "$1" 2>/dev/null; test -d "$1"`, treeArg)
	if err != nil {
		return nil, err
	}
	cp.view, cp.name, cp.target = kernelView, "podman image mount, cp -a --reflink=auto", e.cp
	g.cases = append(g.cases, cp)
	if e.tar > 0 {
		tar, err := c.mounted(`mkdir "$1" && tar -C "$dir" --xattrs -c . 2>/dev/null | tar -C "$1" --xattrs -xp`, treeArg)
		if err != nil {
			return nil, err
		}
		tar.view, tar.name, tar.target = kernelView, "podman image mount, tar -c, tar -x", e.tar
		g.cases = append(g.cases, tar)
	}
	if e.umoci > 0 {
		umoci, err := c.umoci(dir)
		if err != nil {
			return nil, err
		}
		umoci.target = e.umoci
		g.cases = append(g.cases, umoci)
	}
	for i := range g.cases {
		c := &g.cases[i]
		c.silent = true
		if i > 0 {
			c.against = ours
		}
	}
	err = g.measure(b)
	g.about += fmt.Sprintf(" By the headers, from which cstor and umoci start, that has %d entries; the overlay mount shows %d (the driver forgets some whiteouts).",
		g.sums[""].entries, g.sums[kernelView].entries)
	return g, err
}

// kernelView is what a mount shows. It is more than the headers say where a layer deletes
// a directory that it has: see package merge.
const kernelView = "mount"

func (c contents) extractor(flags ...string) timed {
	args := append([]string{"--root", c.root, "reflink-to-dir", "--quiet"}, flags...)
	return timed{
		name: "cstor reflink-to-dir", commands: []command{{path: c.cstor, args: append(args, c.image.Image, treeArg)}},
		maxPeak: maxTreePeak,
	}
}

// umoci unpacks an OCI layout, which is made before.
func (c contents) umoci(dir string) (timed, error) {
	t := timed{name: "umoci unpack, of a layout", below: "rootfs", slow: true}
	for _, tool := range []string{"skopeo", "umoci"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.missing = "not installed"
			return t, nil //nolint:nilerr // the page says so
		}
	}
	layout := filepath.Join(dir, "layout")
	from := fmt.Sprintf("containers-storage:[overlay@%s+%s]%s", c.root, c.runRoot, c.image.Image)
	if out, err := exec.CommandContext(c.ctx, "skopeo", "copy", "--quiet", from, "oci:"+layout+":i").CombinedOutput(); err != nil {
		return t, fmt.Errorf("skopeo copy: %w: %s", err, out)
	}
	t.commands = []command{{path: "umoci", args: []string{"unpack", "--image", layout + ":i", treeArg}}}
	return t, nil
}

// moveTo copies the corpus's store to another file system, and goes there.
func (c *contents) moveTo(dir string) error {
	root := filepath.Join(dir, "storage")
	if out, err := exec.CommandContext(c.ctx, "cp", "-a", c.root, root).CombinedOutput(); err != nil {
		return fmt.Errorf("cp -a: %w: %s", err, out)
	}
	c.root, c.runRoot = root, filepath.Join(dir, "run")
	// What podman knows of the place.
	return errors.Join(os.RemoveAll(filepath.Join(root, "db.sql")), os.RemoveAll(filepath.Join(root, "libpod")), flush(dir))
}

// flat compares writing an image as one tar.
func (b *bench) flat(title string) (*group, error) {
	c, of, err := b.contents("smallfiles")
	if err != nil {
		return nil, err
	}
	out := filepath.Join(b.work, "out")
	file := filepath.Join(out, "flat.tar")
	tar, err := c.mounted(`tar -C "$dir" --xattrs -cf "$1" . 2>/dev/null; test -s "$1"`, file)
	if err != nil {
		return nil, err
	}
	const ours = "cstor export-image"
	tar.name, tar.against, tar.target, tar.silent = "podman image mount, tar -c --xattrs", ours, 2, true
	image := c.ours("export-image", "--quiet", "-o", file)
	g := &group{
		title: title, about: c.about(of) + " It is written as one flat tar to a file.", runs: 5, out: out,
		cases: []timed{{name: ours, commands: []command{image}, maxPeak: maxTreePeak}, tar},
	}
	return g, g.measure(b)
}
