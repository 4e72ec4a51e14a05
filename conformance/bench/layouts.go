package main

import (
	"errors"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"strings"
)

// layoutOf says what is copied how, and what is expected.
type layoutOf struct {
	corpus, compression string
	runs                int
	target              float64 // times as long as cstor the peer must take
}

var layouts = []layoutOf{
	{corpus: "ordinary", compression: "none", runs: 5, target: 2.5},
	{corpus: "smallfiles", compression: "none", runs: 5, target: 3},
	{corpus: "bigfiles", compression: "none", runs: 3, target: 3},
	{corpus: "ordinary", compression: "gzip", runs: 3, target: 1.15},
	{corpus: "smallfiles", compression: "gzip", runs: 3, target: 1.4},
	{corpus: "bigfiles", compression: "gzip", runs: 2, target: 1.3},
	{corpus: "ordinary", compression: "zstd", runs: 3, target: 1.6},
	{corpus: "smallfiles", compression: "zstd", runs: 3, target: 2.5},
	{corpus: "bigfiles", compression: "zstd", runs: 2, target: 1.5},
}

func (l layoutOf) title() string {
	return "Images to OCI layouts: " + l.corpus + ", " + l.compression
}

// maxCopyPeak is the memory that a copy may take: KiB.
const maxCopyPeak = 128 << 10

// layout compares copying a stored image to an OCI layout that is not there yet.
func (b *bench) layout(title string, l layoutOf) (*group, error) {
	c, of, err := b.contents(l.corpus)
	if err != nil {
		return nil, err
	}
	peer, sums := filepath.Join(b.work, "imagecopy"), filepath.Join(b.work, "layoutsums")
	err = errors.Join(
		goBuild(b.ctx, ".", peer, "-tags", tags, "./bench/imagecopy"),
		goBuild(b.ctx, ".", sums, "./bench/layoutsums"))
	if err != nil {
		return nil, err
	}
	out := filepath.Join(b.work, "out")
	dir := filepath.Join(out, "layout")
	const ours = "cstor copy-to-oci"
	from := fmt.Sprintf("[overlay@%s+%s]%s", c.root, c.runRoot, c.image.Image)
	g := &group{
		title: title,
		about: c.about(of) + " It is copied to a new OCI layout, layers compressed: " + l.compression + ", by both with the same libraries and usual levels. " +
			"The peer is copy.Image of go.podman.io/image as skopeo calls it (bench/imagecopy); it waits for the disk at the end of each blob. " +
			"The blobs have been found to have their digests, and to hold the configuration and the layers' tars.",
		runs: l.runs, out: out,
		cases: []timed{
			{
				name: ours + " --compression " + l.compression, maxPeak: maxCopyPeak,
				commands: []command{{path: b.cstor, args: []string{
					"--root", c.root, "copy-to-oci", "--quiet", "--compression", l.compression, c.image.Image, "oci:" + dir + ":i",
				}}},
			},
			{
				name: "copy.Image, " + l.compression, target: l.target, silent: true, against: ours + " --compression " + l.compression,
				commands: []command{{path: peer, args: []string{l.compression, from, dir + ":i"}}},
			},
		},
	}
	sizes := make([]int64, len(g.cases))
	for i := range g.cases {
		g.cases[i].examine = func() (err error) {
			sizes[i], err = c.examine(sums, dir)
			return err
		}
	}
	if err := g.measure(b); err != nil {
		return nil, err
	}
	more := 100 * (float64(sizes[0])/float64(sizes[1]) - 1)
	g.about += fmt.Sprintf(" Those of cstor take %.1f MiB, %+.2f %% of the peer's.", float64(sizes[0])/(1<<20), more)
	if l.compression == "gzip" && math.Abs(more) > 0.5 {
		return nil, fmt.Errorf("the blobs of cstor take %d bytes, those of the peer %d", sizes[0], sizes[1])
	}
	return g, nil
}

// examine checks a layout, and returns the size of its blobs.
func (c contents) examine(sums, dir string) (size int64, err error) {
	text, err := exec.CommandContext(c.ctx, sums, dir).Output()
	if e := (*exec.ExitError)(nil); errors.As(err, &e) {
		return 0, fmt.Errorf("%w: %s", err, e.Stderr)
	}
	if err != nil {
		return 0, err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != len(c.image.Layers)+1 {
		return 0, fmt.Errorf("%d blobs, and %d layers were copied", len(lines), len(c.image.Layers))
	}
	for n, line := range lines {
		var sum string
		var blob int64
		if _, err := fmt.Sscan(line, &sum, &blob); err != nil {
			return 0, err
		}
		if n > 0 && sum != c.image.Layers[n-1].DiffID {
			return 0, fmt.Errorf("layer %d is %s, and should be %s", n-1, sum, c.image.Layers[n-1].DiffID)
		}
		size += blob
	}
	return size, nil
}
