package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/cstor-go/cstor/conformance/bench/corpora"
)

// maker makes the cases of a group of exports.
type maker struct {
	*bench
	exportOf
	root, runRoot string // of the store
	image         corpora.Description
	out           string // folder for files; "" for the pipe
}

func (m maker) about(c corpora.Corpus) string {
	to := "Each layer is written to a file of its own"
	if m.piped {
		to = fmt.Sprintf("Each layer is written to a pipe, from which the measuring program reads %d KiB at most at a time", bufferSize>>10)
	}
	return fmt.Sprintf("%s Image `%s`: %d layers, %d entries, %.1f MiB of tars. %s, by one process a layer unless an image is named.",
		c.About, m.image.Image, len(m.image.Layers), m.image.Entries(), float64(m.image.Size())/(1<<20), to)
}

// file is where layer n goes.
func (m maker) file(n int) string { return filepath.Join(m.out, fmt.Sprintf("%d.tar", n)) }

// diff is the folder in which the overlay driver keeps a layer's files.
func (m maker) diff(l corpora.Layer) string { return filepath.Join(m.root, "overlay", l.ID, "diff") }

// eachLayer makes a case with one command for each layer; args gets the file that it
// must write, or "".
func (m maker) eachLayer(name, path string, args func(l corpora.Layer, file string) []string) timed {
	c := timed{name: name}
	for n, l := range m.image.Layers {
		file := ""
		if !m.piped {
			file = m.file(n)
		}
		c.commands = append(c.commands, command{path: path, args: args(l, file)})
	}
	return c
}

// cstor exports with the command of this project; its results are checked.
func (m maker) cstor(flags ...string) timed {
	name := strings.Join(append([]string{"cstor export-layer"}, flags...), " ")
	c := m.eachLayer(name, m.bench.cstor, func(l corpora.Layer, file string) []string {
		args := append([]string{"--root", m.root, "export-layer", l.ID}, flags...)
		if file != "" {
			args = append(args, "-o", file)
		}
		return args
	})
	for n, l := range m.image.Layers {
		if m.piped {
			c.commands[n].diffID = l.DiffID
		} else {
			c.files = append(c.files, l.DiffID)
		}
	}
	c.maxPeak = maxPeak
	return c
}

// cstorImage exports all layers in one process.
func (m maker) cstorImage() timed {
	c := timed{
		name:     "cstor export-layer --image",
		commands: []command{{path: m.bench.cstor, args: []string{"--root", m.root, "export-layer", "--image", m.image.Image, "-o", filepath.Join(m.out, "image")}}},
		maxPeak:  maxPeak,
	}
	for _, l := range m.image.Layers {
		c.files = append(c.files, l.DiffID)
	}
	return c
}

// reference exports with the storage library's own command.
func (m maker) reference() timed {
	c := m.eachLayer("containers-storage diff -u", m.bench.reference, func(l corpora.Layer, file string) []string {
		args := []string{"--graph", m.root, "--run", m.runRoot, "--storage-driver", "overlay", "diff", "-u"}
		if file != "" {
			args = append(args, "-f", file)
		}
		return append(args, l.ID)
	})
	c.target = m.target
	return c
}

// tarCase packs the layers' folders anew: other bytes, and no digest that they match, but
// what a program can do at best that reads all files and writes a tar.
func (m maker) tarCase() timed {
	c := m.eachLayer("tar -c --xattrs", "tar", func(l corpora.Layer, file string) []string {
		if file == "" {
			file = "-"
		}
		return []string{"-C", m.diff(l), "--xattrs", "-cf", file, "."}
	})
	c.target = m.exportOf.tar
	return c
}

// cat only reads the files' content: the floor.
func (m maker) cat() timed {
	return m.eachLayer("find, xargs cat: content alone", "sh", func(l corpora.Layer, file string) []string {
		if file == "" {
			file = "/dev/stdout"
		}
		return []string{"-c", `find "$1" -type f -print0 | xargs -0 cat > "$2"`, "sh", m.diff(l), file}
	})
}
