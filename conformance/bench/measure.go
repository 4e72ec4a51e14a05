package main

import (
	"cmp"
	"fmt"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// group of cases that are measured together.
type group struct {
	title, about string
	cases        []timed
}

// timed is a case: one command, or several that count as one.
type timed struct {
	name     string
	commands []command
	against  string  // the case that it is the peer of
	target   float64 // times as long as that one it must take at least
	slow     bool    // runs a third as often
	missing  string  // why it could not be measured

	walls []time.Duration
	peak  int64 // KiB, of the largest process
}

type command struct {
	path string
	args []string
}

func (g *group) measure(b *bench) error {
	for n := range b.runs + 1 {
		for i := range g.cases {
			c := &g.cases[i]
			if c.missing != "" || (c.slow && n > 0 && n%3 != 0) {
				continue
			}
			if err := c.once(b, n > 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// once runs a case; counted says whether the run counts.
func (c *timed) once(b *bench, counted bool) error {
	var wall time.Duration
	for _, cmd := range c.commands {
		path, err := exec.LookPath(cmd.path)
		if err != nil {
			c.missing = "not installed"
			return nil //nolint:nilerr // the page says so
		}
		run := exec.CommandContext(b.ctx, path, cmd.args...)
		start := time.Now()
		out, err := run.Output()
		wall += time.Since(start)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		if len(out) == 0 {
			return fmt.Errorf("%s: it printed nothing", c.name)
		}
		if usage, ok := run.ProcessState.SysUsage().(*syscall.Rusage); ok {
			c.peak = max(c.peak, usage.Maxrss)
		}
	}
	if counted {
		c.walls = append(c.walls, wall)
	}
	return nil
}

// median, least and most of the counted runs.
func (c *timed) spread() (median, least, most time.Duration) {
	s := slices.SortedFunc(slices.Values(c.walls), cmp.Compare[time.Duration])
	if len(s) == 0 {
		return 0, 0, 0
	}
	return s[len(s)/2], s[0], s[len(s)-1]
}

// below names the cases that took less than their target times as long as ours did.
func (g *group) below() []string {
	medians := map[string]time.Duration{}
	for i := range g.cases {
		medians[g.cases[i].name], _, _ = g.cases[i].spread()
	}
	var names []string
	for i := range g.cases {
		c := &g.cases[i]
		ours := medians[c.against]
		if c.missing != "" || ours == 0 {
			continue
		}
		if ratio := float64(medians[c.name]) / float64(ours); ratio < c.target {
			names = append(names, fmt.Sprintf("%s: %.2f × %s, the target is %g", c.name, ratio, c.against, c.target))
		}
	}
	return names
}
