package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cstor-go/cstor/internal/storetest"
)

// drawn is how long a test waits for something to be drawn.
const drawn = 150 * time.Millisecond

// TestProgressLeaves: of complete tasks a line each is left, of others nothing,
// whatever the size of the terminal; and no line was ever wider than it.
func TestProgressLeaves(t *testing.T) {
	t.Setenv("TERM", "xterm")
	for _, size := range []struct{ rows, cols int }{{24, 80}, {24, 200}, {10, 50}, {10, 30}, {10, 12}, {4, 80}, {2, 80}, {1, 80}} {
		t.Run(fmt.Sprintf("%dx%d", size.rows, size.cols), func(t *testing.T) {
			d := newTerminal(t, size.rows, size.cols)
			p := progress{patience: -1}
			p.start(d.tty)
			p.start(d.tty) // twice is once
			var want []string
			for i := range 3 {
				complete := p.begin(&task{name: fmt.Sprintf("%012d", i), total: 2e6})
				unknown := p.begin(&task{name: "unknown", total: -1})
				p.begin(&task{name: "with detail", total: 1e9, detail: func() string { return "12345 files" }})
				complete.add(1e6)
				unknown.add(1e9)
				time.Sleep(drawn / 2)
				complete.add(1e6)
				complete.done()
				if line := fmt.Sprintf("%012d done 2 MB", i); size.cols >= len(line) {
					want = append(want, line)
				}
			}
			p.stop()
			p.stop() // and so it is here
			d.close(t)
			got := d.seen()
			slices.Sort(got) // one that had a bar may be said to be complete after a later one
			if want != nil && !slices.Equal(got, want) {
				t.Errorf("left are %q, want %q\n%q", got, want, d.out.String())
			}
			for frame := range strings.SplitSeq(d.out.String(), "\r\n") {
				if _, after, ok := strings.Cut(frame, "\x1b[J"); ok {
					frame = after
				}
				if n := len([]rune(frame)); n >= size.cols && !strings.Contains(frame, "done") {
					t.Errorf("a line of %d columns: %q", n, frame)
				}
			}
		})
	}
}

// TestProgressLine: a line has the name, the bar, what is done, and how fast.
func TestProgressLine(t *testing.T) {
	t.Setenv("TERM", "xterm")
	d := newTerminal(t, 24, 100)
	p := progress{patience: -1}
	p.start(d.tty)
	half := p.begin(&task{name: "half\x1b[2J", total: 10e6, detail: func() string { return "3 files" }})
	half.add(5e6)
	p.begin(&task{name: "unknown", total: -1}).add(7e3)
	p.begin(&task{name: "more", total: 10}).add(20)
	time.Sleep(drawn)
	p.stop()
	d.close(t)
	for _, want := range []string{`half\x1b[2J  [==================>-------------------]    5 MB / 10 MB  `, " MB/s  3 files\r\n", "unknown", "   7 kB  ", "[=====================================>]    20 B / 10 B"} {
		if !strings.Contains(d.out.String(), want) {
			t.Errorf("no %q in %q", want, d.out.String())
		}
	}
}

// TestProgressManyAtOnce: more tasks than lines, and all of them over between two
// drawings.
func TestProgressManyAtOnce(t *testing.T) {
	t.Setenv("TERM", "xterm")
	d := newTerminal(t, 8, 60)
	p := progress{patience: -1}
	p.start(d.tty)
	var want []string
	var tasks []*task
	for round := range 3 {
		for i := range 40 {
			tasks = append(tasks, p.begin(&task{name: fmt.Sprintf("round%d.%02d", round, i), total: 5}))
		}
		for deadline := time.Now().Add(10 * time.Second); !p.draws(tasks); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("no bar for any of them")
			}
		}
		for _, task := range tasks {
			task.add(5)
			task.done()
			want = append(want, task.line())
		}
		tasks = nil
	}
	p.stop()
	d.close(t)
	got := d.seen()
	for i := range want {
		want[i] = strings.TrimRight(want[i], " \n")
	}
	slices.Sort(got) // those with a bar leave it later
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("left are %q, want %q", got, want)
	}
}

// draws reports whether one of the tasks has a bar.
func (p *progress) draws(tasks []*task) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(tasks, func(t *task) bool { return t.bar != nil })
}

// TestProgressPrint: what is printed meanwhile stays whole, also if it is the last.
func TestProgressPrint(t *testing.T) {
	t.Setenv("TERM", "xterm")
	d := newTerminal(t, 6, 60)
	a := &app{stderr: d.tty}
	a.progress.patience = drawn
	a.warn(fmt.Errorf("before start"))
	a.progress.start(a.stderr)
	a.warn(fmt.Errorf("before it is drawn"))
	one := a.progress.begin(&task{name: "one", total: 1e6})
	time.Sleep(2 * drawn)
	for i := range 4 {
		a.warn(fmt.Errorf("number %d", i))
		time.Sleep(drawn / 2)
	}
	one.done()
	a.warn(fmt.Errorf("last"))
	a.progress.stop()
	a.warn(fmt.Errorf("after stop"))
	d.close(t)
	var want []string
	for _, text := range []string{"before start", "before it is drawn", "number 0", "number 1", "number 2", "number 3", "last"} {
		want = append(want, "cstor: warning: "+text)
	}
	want = append(want, "one          done 0 B", "cstor: warning: after stop")
	if got := d.seen(); !slices.Equal(got, want) {
		t.Errorf("left are %q, want %q", got, want)
	}
	if !strings.Contains(d.out.String(), "1 MB") {
		t.Error("nothing was drawn")
	}
}

// TestProgressNothing: where nothing is drawn.
func TestProgressNothing(t *testing.T) {
	for _, tt := range []struct {
		name, term string
		cols       int
		patience   time.Duration
	}{
		{"over soon", "xterm", 80, time.Hour},
		{"dumb", "dumb", 80, -1},
		{"no TERM", "", 80, -1},
		{"no size", "xterm", 0, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("TERM", tt.term)
			d := newTerminal(t, 24, tt.cols)
			p := progress{patience: tt.patience}
			p.start(d.tty)
			task := p.begin(&task{name: "task", total: 10})
			task.add(5)
			time.Sleep(drawn)
			task.done()
			p.stop()
			d.close(t)
			if d.out.Len() > 0 {
				t.Errorf("drawn: %q", d.out.String())
			}
		})
	}
	var b bytes.Buffer
	p := progress{patience: -1}
	p.start(&b)
	p.begin(&task{name: "task"}).done()
	time.Sleep(drawn)
	p.stop()
	if b.Len() > 0 {
		t.Errorf("drawn though it is no file: %q", &b)
	}
}

// TestProgressMuted: after mute nothing is drawn, and stop still returns.
func TestProgressMuted(t *testing.T) {
	t.Setenv("TERM", "xterm")
	d := newTerminal(t, 24, 80)
	p := progress{patience: -1}
	p.start(d.tty)
	p.begin(&task{name: "task", total: 1e6})
	time.Sleep(drawn)
	p.mute()
	if _, err := d.tty.WriteString("the end\n"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(drawn)
	p.begin(&task{name: "later", total: 1e6}).done()
	time.Sleep(drawn)
	p.stop()
	d.close(t)
	if got := d.seen(); len(got) != 2 || got[1] != "the end" {
		t.Errorf("left are %q", got)
	}
}

// TestExportProgress: export-layer shows its layers, and --quiet does not.
func TestExportProgress(t *testing.T) {
	t.Setenv("TERM", "xterm")
	s := storetest.New(t, `
layer base
  file a 0644 size=100K seed=1
layer top parent=base
  file b 0644 size=200K seed=2
image localhost/i:1 layer=top
`, storetest.Options{})
	base, top := s.Layer("base").ID, s.Layer("top").ID
	done := func(id string, n int) string { return fmt.Sprintf("%s done %s", id[:12], size(int64(n))) }
	baseDone, topDone := done(base, len(s.Layer("base").Tar)), done(top, len(s.Layer("top").Tar))
	for _, tt := range []struct {
		name string
		args []string
		want []string
	}{
		{"one", []string{top, "-o", "x.tar"}, []string{topDone}},
		{"image", []string{"--image", "i:1", "-o", "out"}, []string{topDone, baseDone}},
		{"quiet", []string{"--image", "i:1", "-o", "out", "-q"}, nil},
		{"in place", []string{top, "-o", "/dev/null"}, nil},
		{"standard output", []string{top}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newTerminal(t, 24, 80)
			a := &app{stdout: &bytes.Buffer{}, stderr: d.tty}
			a.progress.patience = -1
			t.Chdir(t.TempDir())
			cmd := a.command()
			cmd.SetArgs(append([]string{"--root", s.Root, "--no-unshare", "export-layer"}, tt.args...))
			err := cmd.ExecuteContext(t.Context())
			d.close(t)
			if err != nil {
				t.Fatal(err)
			}
			got := d.seen()
			slices.Sort(got)
			slices.Sort(tt.want)
			if !slices.Equal(got, tt.want) {
				t.Errorf("left are %q, want %q", got, tt.want)
			}
			left, err := filepath.Glob("*/.*")
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}
