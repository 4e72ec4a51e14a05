package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// listing compares listing the images of a store with very many of them.
func (b *bench) listing(title string, images, layers int) (*group, error) {
	dir, runRoot := filepath.Join(b.work, fmt.Sprintf("many-%d-%d", images, layers)), filepath.Join(b.work, "run")
	if _, err := os.Stat(dir); err != nil {
		if err := b.makeMany(dir, runRoot, images, layers); err != nil {
			return nil, err
		}
	}
	peer := func(path string, args ...string) command { return command{path: path, args: args} }
	ours := func(args ...string) command {
		return peer(b.cstor, append([]string{"--root", dir, "list-images"}, args...)...)
	}
	reference := func(verb string) command {
		return peer(b.reference, "--graph", dir, "--run", runRoot, "--storage-driver", "overlay", verb)
	}
	podman := peer("podman", "--root", dir, "--runroot", runRoot, "--storage-driver", "overlay", "images")
	g := &group{
		title: title,
		about: fmt.Sprintf("A store with %d images and %d layers, made by internal/storetest.", images, layers),
		runs:  7,
		cases: []timed{
			{name: "cstor list-images --quiet", commands: []command{ours("--quiet")}},
			{name: "containers-storage images", commands: []command{reference("images")}, against: "cstor list-images --quiet", target: 1},
			{name: "cstor list-images", commands: []command{ours()}},
			{name: "containers-storage images + layers", commands: []command{reference("images"), reference("layers")}, against: "cstor list-images", target: 1},
			{name: "podman images", commands: []command{podman}, against: "cstor list-images", target: 10, slow: true},
		},
	}
	return g, g.measure(b)
}

// makeMany makes the store, in a process of its own, whose memory does not count as that
// of this one's children. With its run root's lock files written, as on a store in use:
// without them podman reads the layers anew at every step, and takes minutes.
func (b *bench) makeMany(dir, runRoot string, images, layers int) error {
	maker, part := filepath.Join(b.work, "mkstore"), dir+".part"
	if err := goBuild(b.ctx, "..", maker, "./internal/storetest/mkstore"); err != nil {
		return err
	}
	if err := os.RemoveAll(part); err != nil {
		return err
	}
	many := fmt.Sprintf("%d,%d", images, layers)
	if out, err := exec.CommandContext(b.ctx, maker, "--many", many, "--runroot", runRoot, part).CombinedOutput(); err != nil {
		return fmt.Errorf("mkstore: %w: %s", err, out)
	}
	return os.Rename(part, dir)
}
