package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// tars compares comparing two equal tars: the uppermost layer of a corpus, as two files.
func (b *bench) tars(title, corpus string) (g *group, err error) {
	c, of, err := b.contents(corpus)
	if err != nil {
		return nil, err
	}
	program := filepath.Join(b.work, "tar-diff")
	if err := goBuild(b.ctx, "..", program, "./cmd/tar-diff"); err != nil {
		return nil, err
	}
	dir := filepath.Join(b.work, "tars")
	if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700)); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	layer := c.image.Layers[len(c.image.Layers)-1]
	one, other := filepath.Join(dir, "one.tar"), filepath.Join(dir, "other.tar")
	export := command{path: b.cstor, args: []string{"--root", c.root, "export-layer", layer.ID, "--quiet", "-o", one}}
	if _, err := b.start(export, false, false); err != nil {
		return nil, fmt.Errorf("cstor export-layer: %w", err)
	}
	if err := copyAll(other, one, b.buffer); err != nil {
		return nil, err
	}
	const ours = "tar-diff"
	digests := sha256.Sum256(fmt.Appendf(nil, "A  %[1]s\nB  %[1]s\n", layer.DiffID)) // of what is printed
	g = &group{
		title: title,
		about: fmt.Sprintf("%s The layer `%.12s`, %d entries and %.1f MiB, exported and copied. Of equal ones nothing is printed, but for the digests, which have been checked.",
			of.About, layer.ID, layer.Entries, float64(layer.Size)/(1<<20)),
		runs: 5,
		cases: []timed{
			{name: ours, commands: []command{{path: program, args: []string{one, other}}}, silent: true},
			{
				name:     "tar-diff --digests",
				commands: []command{{path: program, args: []string{"--digests", one, other}, diffID: fmt.Sprintf("sha256:%x", digests)}},
				against:  ours,
			},
			{name: "cmp", commands: []command{{path: "cmp", args: []string{one, other}}}, silent: true, against: ours},
		},
	}
	return g, g.measure(b)
}

// copyAll copies a file, byte by byte: no extents are shared.
func copyAll(to, from string, buffer []byte) error {
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, buffer)
	return errors.Join(err, w.Close())
}
