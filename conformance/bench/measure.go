package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"
)

// group of cases that are measured together.
type group struct {
	title, about string
	runs         int     // counted ones
	cases        []timed // what the others are compared with first
	out          string  // a folder that is empty before each run, and must not be after it; "": the cases print
	trees        string  // or a folder in which each run makes a directory, which is kept
	removed      bool    // those directories, before the next run

	made int                // directories in trees
	sums map[string]treeSum // of the first of them for each view
}

// timed is a case: one command, or several that count as one.
type timed struct {
	name     string
	commands []command
	files    []string // the diff ids of the files that it must write into the group's folder
	against  string   // the case that it is compared with
	target   float64  // times as long as that one it must take at least; 0: none
	maxPeak  int64    // KiB that it may take; 0: any
	slow     bool     // runs a third as often
	silent   bool     // it prints nothing when all is well
	counts   bool     // it prints an entry a line, as many as the others that do
	frame    int64    // other lines that it prints then
	same     string   // the case that prints the same bytes; it and that one count
	missing  string   // why it could not be measured
	below    string   // where in the directory that it makes the tree is
	view     string   // of the image, from which it makes the tree

	examine func() error // what it wrote, in the run that does not count; may be nil

	walls []time.Duration
	peak  int64 // KiB, of the largest process
	seen  printout
}

func (g *group) measure(b *bench) error {
	if b.runs > 0 {
		g.runs = b.runs
	}
	for n := range g.runs + 1 {
		for i := range g.cases {
			c := &g.cases[i]
			if c.missing != "" || (c.slow && n > 0 && n%3 != 0) {
				continue
			}
			if err := g.once(b, c, n > 0); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
		if err := g.agree(); err != nil {
			return err
		}
	}
	return g.empty()
}

// once runs a case. The first run does not count, and is the one whose results are
// checked. Emptying the folder and writing back what is dirty are not on the clock; nor
// does a command wait for the disk, unless it asks to.
func (g *group) once(b *bench, c *timed, counted bool) error {
	if err := errors.Join(g.empty(), flush(b.work), g.flushTrees()); err != nil {
		return err
	}
	var wall time.Duration
	for _, cmd := range c.commands {
		if _, err := exec.LookPath(cmd.path); err != nil {
			c.missing = "not installed"
			return nil //nolint:nilerr // the page says so
		}
		cmd, dir := g.inTree(cmd)
		u, err := b.start(cmd, !counted, !counted && c.counts)
		if err == nil && dir != "" && !counted {
			err = g.sameTree(c, dir)
		}
		if err != nil {
			return err
		}
		if u.size == 0 && g.out == "" && !c.silent {
			return errors.New("it printed nothing")
		}
		if !counted {
			c.seen = u.printout
		}
		wall, c.peak = wall+u.wall, max(c.peak, u.peak)
	}
	if counted {
		c.walls = append(c.walls, wall)
	}
	if g.out == "" {
		return nil
	}
	if counted {
		return checkFiles(g.out, nil, b.buffer)
	}
	if c.examine != nil {
		return c.examine()
	}
	return checkFiles(g.out, c.files, b.buffer)
}

// empty empties the group's folder.
func (g *group) empty() error {
	if g.out == "" {
		return nil
	}
	return errors.Join(os.RemoveAll(g.out), os.Mkdir(g.out, 0o700))
}

func (g *group) flushTrees() error {
	if g.trees == "" {
		return nil
	}
	if g.removed {
		if err := errors.Join(os.RemoveAll(g.trees), os.Mkdir(g.trees, 0o700)); err != nil {
			return err
		}
	}
	return flush(g.trees)
}

// flush writes back what the file system of a folder has in memory.
func flush(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return os.NewSyscallError("syncfs", unix.Syncfs(int(f.Fd())))
}
