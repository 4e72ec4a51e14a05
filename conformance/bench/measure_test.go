package main

import (
	"os"
	"path/filepath"
	"testing"
)

// Digests of "x" and of nothing.
const (
	digestOfX       = "sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
	digestOfNothing = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

func shell(script, diffID string, args ...string) command {
	return command{path: "sh", args: append([]string{"-c", script, "sh"}, args...), diffID: diffID}
}

// TestWrongAnswers: a command that does not do its work is not measured.
func TestWrongAnswers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		script string // $1 is the folder
		diffID string
		files  []string
		toFile bool
		silent bool
		wrong  bool
	}{
		{name: "prints", script: "printf x"},
		{name: "prints what it should", script: "printf x", diffID: digestOfX},
		{name: "prints something else", script: "printf y", diffID: digestOfX, wrong: true},
		{name: "prints nothing", script: ":", wrong: true},
		{name: "fails after the right answer", script: "printf x; exit 1", diffID: digestOfX, wrong: true},
		{name: "writes", script: "printf y > $1/y", toFile: true},
		{name: "writes what it should, somewhere", script: "mkdir $1/d; printf y > $1/y; printf x > $1/d/x", files: []string{digestOfX}, toFile: true},
		{name: "writes something else", script: "printf y > $1/y", files: []string{digestOfX}, toFile: true, wrong: true},
		{name: "writes one of two", script: "printf x > $1/x", files: []string{digestOfX, digestOfNothing}, toFile: true, wrong: true},
		{name: "writes nothing", script: ": > $1/x", toFile: true, wrong: true},
		{name: "prints in place of writing", script: "printf x", toFile: true, wrong: true},
		{name: "prints nothing, as it should", script: ":", silent: true},
		{name: "fails silently", script: "exit 1", silent: true, wrong: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := &bench{ctx: t.Context(), work: t.TempDir(), runs: 1, buffer: make([]byte, bufferSize)}
			g := &group{}
			if tc.toFile {
				g.out = filepath.Join(b.work, "out")
			}
			g.cases = []timed{{name: "case", commands: []command{shell(tc.script, tc.diffID, g.out)}, files: tc.files, silent: tc.silent}}
			if err := g.measure(b); (err != nil) != tc.wrong {
				t.Error(err)
			}
		})
	}
}

// TestRuns: the first run does not count, slow cases run less often, each run finds an empty folder, and nothing stays.
func TestRuns(t *testing.T) {
	t.Parallel()
	b := &bench{ctx: t.Context(), work: t.TempDir(), buffer: make([]byte, bufferSize)}
	g := &group{runs: 7, out: filepath.Join(b.work, "out")}
	const once = `mkdir "$1/new" && printf x > "$1/x"` // fails when the folder is there
	g.cases = []timed{
		{name: "usual", commands: []command{shell(once, "", g.out)}},
		{name: "slow", commands: []command{shell(once, "", g.out)}, slow: true},
		{name: "missing", commands: []command{{path: filepath.Join(b.work, "no such program")}}},
	}
	if err := g.measure(b); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{7, 2, 0} {
		if c := g.cases[i]; len(c.walls) != want || (c.missing != "") != (want == 0) || (c.peak > 0) != (want > 0) {
			t.Errorf("%s: %d counted runs, want %d; %d KiB, %q", c.name, len(c.walls), want, c.peak, c.missing)
		}
	}
	if left, err := os.ReadDir(g.out); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestAgreement: cases that list the same must find as many entries.
func TestAgreement(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		peer  timed
		print string
		wrong bool
	}{
		{name: "as many", peer: timed{counts: true}, print: `c\nd\n`},
		{name: "fewer", peer: timed{counts: true}, print: `c\n`, wrong: true},
		{name: "other lines are left out", peer: timed{counts: true, frame: 1}, print: `[\nc\nd\n`},
		{name: "they count", peer: timed{counts: true}, print: `[\nc\nd\n`, wrong: true},
		{name: "the same", peer: timed{counts: true, same: "ours"}, print: `a\nb\n`},
		{name: "not the same", peer: timed{counts: true, same: "ours"}, print: `a\nc\n`, wrong: true},
		{name: "who does not count", print: `c\n`},
		{name: "who is missing", peer: timed{counts: true, missing: "not installed"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := &bench{ctx: t.Context(), work: t.TempDir(), runs: 1, buffer: make([]byte, bufferSize)}
			tc.peer.name, tc.peer.commands = "peer", []command{shell(`printf "$1"`, "", tc.print)}
			g := &group{cases: []timed{{name: "ours", commands: []command{shell(`printf 'a\nb\n'`, "")}, counts: true}, tc.peer}}
			if err := g.measure(b); (err != nil) != tc.wrong {
				t.Error(err)
			}
		})
	}
}
