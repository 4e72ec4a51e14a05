package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cstor-go/cstor/conformance/bench/corpora"
)

// contents compares ways to see what an image of a corpus holds.
type contents struct {
	*bench
	root, runRoot string // of the store
	image         corpora.Description
}

func (b *bench) contents(corpus string) (contents, corpora.Corpus, error) {
	c, dir, d, err := b.corpus(corpus)
	return contents{bench: b, root: corpora.Root(dir), runRoot: corpora.RunRoot(dir), image: d}, c, err
}

func (c contents) about(of corpora.Corpus) string {
	return fmt.Sprintf("%s Image `%s`: %d layers, %d entries.", of.About, c.image.Image, len(c.image.Layers), c.image.Entries())
}

// ours is a command of cstor about the image.
func (c contents) ours(verb string, args ...string) command {
	return command{path: c.bench.cstor, args: append([]string{"--root", c.root, verb, c.image.Image}, args...)}
}

// oneFile compares printing one small file of an image.
func (b *bench) oneFile(title string) (*group, error) {
	c, of, err := b.contents("ordinary")
	if err != nil {
		return nil, err
	}
	lowest := filepath.Join(c.root, "overlay", c.image.Layers[0].ID, "diff")
	name, err := firstFile(lowest, "etc")
	if err != nil {
		return nil, err
	}
	sum, err := sumFile(filepath.Join(lowest, name), b.buffer)
	if err != nil {
		return nil, err
	}
	cat := c.ours("cat", name)
	cat.diffID = sum
	podman, err := c.mounted(`cat "$dir/$1"`, name)
	if err != nil {
		return nil, err
	}
	for i := range podman.commands {
		podman.commands[i].diffID = sum
	}
	podman.name = "podman image mount, cat, podman image unmount"
	podman.against, podman.target = "cstor cat", 5
	g := &group{
		title: title,
		about: fmt.Sprintf("%s Printed is `%s`, a file of the lowest layer: each time a new process, and a new mount.", c.about(of), name),
		runs:  11,
		cases: []timed{{name: "cstor cat", commands: []command{cat}}, podman},
	}
	return g, g.measure(b)
}

// firstFile is the first regular file, in the order of names, below a folder of dir.
func firstFile(dir, folder string) (string, error) {
	found := ""
	err := fs.WalkDir(os.DirFS(dir), folder, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			found, err = name, fs.SkipAll
		}
		return err
	})
	if err == nil && found == "" {
		err = errors.New("no file in " + filepath.Join(dir, folder))
	}
	return found, err
}

// allFields are those of find that a table of contents has too, and two by which hard
// links are known.
const allFields = `%P\t%y\t%s\t%T@\t%l\t%m\t%U\t%G\t%u\t%g\t%i\t%n\n`

// table compares listing everything in an image, with metadata.
func (b *bench) table(title string) (*group, error) {
	c, of, err := b.contents("smallfiles")
	if err != nil {
		return nil, err
	}
	peer := filepath.Join(b.work, "layertable")
	if err := goBuild(b.ctx, ".", peer, "-tags", tags, "./bench/layertable"); err != nil {
		return nil, err
	}
	find, err := c.mounted(`find "$dir" -mindepth 1 -printf "$1"`, allFields)
	if err != nil {
		return nil, err
	}
	const ours = "cstor toc"
	find.name, find.against, find.target = "podman image mount, find -printf, podman image unmount", ours, 3
	g := &group{
		title: title,
		about: c.about(of) + " Printed is the merged tree, with what headers or inodes say of each entry: by cstor and by the reader of " +
			"layers in the JSON of eStargz, the same bytes. That reader rebuilds each layer with Diff of go.podman.io/storage, reads it with " +
			"archive/tar, and merges the headers (bench/layertable). All have been found to print as many entries.",
		runs: 5,
		cases: []timed{
			{name: ours, commands: []command{c.ours("toc")}, frame: 2},
			{name: "cstor ls -R", commands: []command{c.ours("ls", "-R")}, against: ours},
			find,
			{
				name: "layers rebuilt, archive/tar", commands: []command{{path: peer, args: []string{c.root, c.runRoot, c.image.Image}}}, frame: 2,
				same: ours, against: ours, target: 5,
			},
		},
	}
	for i := range g.cases {
		g.cases[i].counts = true
	}
	return g, g.measure(b)
}
