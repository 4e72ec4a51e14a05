// Command bench compares cstor with the tools that people use today, on the same
// store, in one run, and writes the figures into a Markdown page.
//
// Commands of a group are run in turn (A B C A B C …), so that a machine whose speed
// drifts treats them alike; what counts is the ratio of the medians. Peak memory is
// that of the largest process, as the kernel accounts for it. One run of each comes
// first and is not counted; caches are warm. A ratio below its target is an error, when
// the page has been written.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	runs := flag.Int("runs", 11, "counted runs of each command (of podman: a third)")
	images := flag.Int("images", 500, "images in the listing store")
	layers := flag.Int("layers", 5000, "layers in the listing store")
	out := flag.String("out", "", "the page to write; empty: standard output")
	work := flag.String("work", "", "folder for stores and binaries, kept; empty: a temporary one")
	flag.Parse()
	if err := run(context.Background(), *runs, *images, *layers, *out, *work); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, runs, images, layers int, out, work string) error {
	if work == "" {
		dir, err := os.MkdirTemp("", "cstor-bench-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		work = dir
	}
	b := &bench{ctx: ctx, work: work, runs: runs}
	if err := b.build(); err != nil {
		return err
	}
	g, err := b.listing(images, layers)
	if err != nil {
		return err
	}
	if err := report(out, b, []group{g}); err != nil {
		return err
	}
	if names := g.below(); len(names) > 0 {
		return fmt.Errorf("below target: %s", strings.Join(names, "; "))
	}
	return nil
}

// bench holds what all groups need.
type bench struct {
	ctx       context.Context
	work      string
	runs      int
	cstor     string // the binary
	reference string // containers-storage
}

// build makes the two programs from this checkout and from the module that go.mod
// names.
func (b *bench) build() error {
	b.cstor, b.reference = filepath.Join(b.work, "cstor"), filepath.Join(b.work, "containers-storage")
	return errors.Join(
		goBuild(b.ctx, "..", b.cstor, "./cmd/cstor"),
		goBuild(b.ctx, ".", b.reference, "-tags", tags, "go.podman.io/storage/cmd/containers-storage"),
	)
}

// tags leave out of the reference what needs C libraries.
const tags = "containers_image_openpgp"

func goBuild(ctx context.Context, dir, out string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"build", "-trimpath", "-o", out}, args...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, os.Stderr, os.Stderr
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go build %v: %w", args, err)
	}
	return nil
}

// listing compares listing the images of a store with very many of them.
func (b *bench) listing(images, layers int) (group, error) {
	dir, runRoot := filepath.Join(b.work, fmt.Sprintf("many-%d-%d", images, layers)), filepath.Join(b.work, "run")
	if _, err := os.Stat(dir); err != nil {
		// In a process of its own: what this one once held would count as the
		// memory of those it starts (getrusage(2)). With its run root's lock files
		// written, as on a store in use: without them podman reads the layers anew
		// at every step, and takes minutes.
		maker := filepath.Join(b.work, "mkstore")
		if err := goBuild(b.ctx, "..", maker, "./internal/storetest/mkstore"); err != nil {
			return group{}, err
		}
		many := fmt.Sprintf("%d,%d", images, layers)
		if out, err := exec.CommandContext(b.ctx, maker, "--many", many, "--runroot", runRoot, dir).CombinedOutput(); err != nil {
			return group{}, fmt.Errorf("mkstore: %w: %s", err, out)
		}
	}
	peer := []string{"--graph", dir, "--run", runRoot, "--storage-driver", "overlay"}
	podman := []string{"--root", dir, "--runroot", runRoot, "--storage-driver", "overlay"}
	ref := func(verb string) command { return command{b.reference, append(append([]string{}, peer...), verb)} }
	g := group{
		title: "Listing",
		about: fmt.Sprintf("A store with %d images and %d layers, made by internal/storetest.", images, layers),
		cases: []timed{
			{name: "cstor list-images --quiet", commands: []command{{b.cstor, []string{"--root", dir, "list-images", "--quiet"}}}},
			{name: "containers-storage images", commands: []command{ref("images")}, against: "cstor list-images --quiet", target: 1},
			{name: "cstor list-images", commands: []command{{b.cstor, []string{"--root", dir, "list-images"}}}},
			{name: "containers-storage images + layers", commands: []command{ref("images"), ref("layers")}, against: "cstor list-images", target: 1},
			{name: "podman images", commands: []command{{"podman", append(append([]string{}, podman...), "images")}}, against: "cstor list-images", target: 10, slow: true},
		},
	}
	return g, g.measure(b)
}
