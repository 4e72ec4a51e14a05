package trace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// ErrNoStrace is returned where strace is not installed or not permitted.
var ErrNoStrace = errors.New("strace cannot be used here")

// Result is what a program did.
type Result struct {
	// Output is its standard output and standard error.
	Output []byte
	// Err is how it ended; nil for exit status 0.
	Err error
	// Calls is how many system calls on files were seen: 0 means that nothing was traced.
	Calls int
	// Writes are the lines of the calls that could have changed something below the directories.
	Writes []string
	// Reads is how many calls opened something below the directories for reading.
	Reads int
}

// Run runs argv in dir, which lies outside below, for at most a minute, and looks for changes below the directories
// below, absolute paths without links. The error is about tracing; how the program ended is in the result.
func Run(ctx context.Context, dir string, below []string, argv ...string) (*Result, error) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoStrace, err)
	}
	logs, err := os.MkdirTemp("", "cstor-trace-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(logs) }() // temporary
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	// -ff: a file for each thread, so that lines are whole. Names are never cut short.
	args := []string{"-ff", "-qq", "-y", "-s", "8192", "-e", "trace=%file,%desc", "-e", "signal=none", "-o", filepath.Join(logs, "log")}
	cmd := exec.CommandContext(ctx, strace, append(append(args, "--"), argv...)...)
	cmd.Dir = dir
	r := &Result{}
	r.Output, r.Err = cmd.CombinedOutput()
	files, err := filepath.Glob(filepath.Join(logs, "log.*"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%w: %w: %s", ErrNoStrace, r.Err, r.Output)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(b)) {
			r.add(strings.TrimSuffix(line, "\n"), dir, below)
		}
	}
	return r, nil
}

func (r *Result) add(line, dir string, below []string) {
	c, ok := parse(line)
	if !ok {
		return
	}
	r.Calls++
	inside := func(path string) bool {
		for _, b := range below {
			if path == b || strings.HasPrefix(path, b+"/") {
				return true
			}
		}
		return false
	}
	switch {
	case c.writes(dir, inside):
		r.Writes = append(r.Writes, line)
	case strings.HasPrefix(c.name, "open") && inside(c.result):
		r.Reads++
	}
}
