package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// progress shows on a terminal how far long work is: a line for each task that has
// begun, the complete ones above the others. Of work that is over soon nothing is
// drawn. The zero value shows nothing until start; all is safe for concurrent use.
type progress struct {
	patience time.Duration // before anything is drawn; 300 ms if zero, none if negative

	mu    sync.Mutex
	tasks []*task       // that are not complete and said to be
	bars  *mpb.Progress // while there are lines on the screen
	quit  chan struct{} // nil unless started
	ended chan struct{} // closed when all is drawn
	muted atomic.Bool
}

// task is a part of the work that has a line. Its first fields are set before begin.
type task struct {
	name   string
	total  int64         // bytes; negative if not known
	detail func() string // shown behind the bytes, such as a number of files; may be nil

	bytes    atomic.Int64
	began    time.Time
	complete atomic.Bool
	bar      *mpb.Bar // nil if not on the screen
	leaving  bool     // drawn once more
}

// add says that n more bytes are done. It costs next to nothing.
func (t *task) add(n int64) { t.bytes.Add(n) }

// done says that all is done, which the bytes alone do not. The line of a task that
// never is goes away in the end.
func (t *task) done() { t.complete.Store(true) }

// begin gives a task its line.
func (p *progress) begin(t *task) *task {
	t.began = time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tasks = append(p.tasks, t)
	return t
}

// start draws on w from now on, if that is a terminal that can do it: it reports whether
// it is. The caller calls stop.
func (p *progress) start(w io.Writer) bool {
	s := newScreen(w, &p.muted)
	if s == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.quit == nil {
		p.quit, p.ended = make(chan struct{}), make(chan struct{})
		go p.run(s, p.quit, p.ended)
	}
	return true
}

// stop leaves the lines of complete tasks, and nothing of the others. It may be
// called twice, and without start.
func (p *progress) stop() {
	p.mu.Lock()
	quit, ended := p.quit, p.ended
	p.quit = nil
	p.mu.Unlock()
	if quit != nil {
		close(quit)
		<-ended
	}
}

// drawing reports whether start has found a terminal, so that it is worth knowing more.
func (p *progress) drawing() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.quit != nil
}

// mute is for the end of the program: nothing is drawn over what is written after it.
func (p *progress) mute() { p.muted.Store(true) }

// print writes whole lines to w, or above those of the tasks, at the latest at stop.
func (p *progress) print(w io.Writer, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bars != nil {
		w = p.bars
	}
	_, _ = io.WriteString(w, text) // nothing else can be done about it
}

// run draws until quit. mpb gets no total and no counts of its bars, so that it
// neither takes one for complete nor draws when it likes.
func (p *progress) run(s *screen, quit <-chan struct{}, ended chan<- struct{}) {
	defer close(ended)
	if wait := cmp.Or(p.patience, 300*time.Millisecond); wait > 0 {
		select {
		case <-quit:
			return
		case <-time.After(wait):
		}
	}
	redraw, gone := make(chan any), make(chan any)
	p.mu.Lock()
	p.bars = mpb.New(mpb.WithConsoleWriter(s), mpb.WithWidth(40), mpb.WithManualRefresh(redraw), mpb.WithShutdownNotifier(gone))
	p.mu.Unlock()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for running := true; running; {
		p.update(s)
		select {
		case redraw <- time.Now():
		case <-gone: // with the terminal
		}
		select {
		case <-quit:
			running = false
		case <-tick.C:
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.tasks {
		if t.complete.Load() {
			_, _ = io.WriteString(p.bars, t.line())
		}
		if t.bar != nil {
			t.bar.Abort(true)
		}
	}
	select {
	case redraw <- time.Now(): // what was printed is drawn with the lines
	case <-gone:
	}
	p.bars.Wait()
	p.bars = nil
}

// update gives running tasks a bar, as far as there is room, and complete ones a line
// above the bars, once theirs has been drawn for the last time. mpb would miscount
// lines if they were more than the screen has.
func (p *progress) update(s *screen) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, room, _ := s.GetTermSize() // mpb finds the same error
	for _, t := range p.tasks {
		if t.bar != nil && !t.leaving {
			room--
		}
	}
	p.tasks = slices.DeleteFunc(p.tasks, func(t *task) bool {
		switch complete := t.complete.Load(); {
		case complete && (t.bar == nil || t.leaving):
			_, _ = io.WriteString(p.bars, t.line())
			return true
		case complete:
			t.bar.Abort(true)
			t.leaving = true
		case t.bar == nil && room > 0:
			t.bar, _ = p.bars.Add(0, mpb.BarFillerFunc(t.fill), // fails when the terminal is gone
				mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return t.label() })),
				mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return t.figures() })))
			room--
		}
		return false
	})
}

// fill draws the middle of a line.
func (t *task) fill(w io.Writer, s decor.Statistics) error {
	switch {
	case t.complete.Load():
		_, err := io.WriteString(w, "done")
		return err
	case t.total <= 0:
		return nil
	}
	s.Total, s.Current = t.total, min(t.bytes.Load(), t.total)
	return mpb.BarStyle().Build().Fill(w, s)
}

func (t *task) label() string { return fmt.Sprintf("%-12s", printable(t.name)) }

// figures are "12.3 MB / 45 MB  210 MB/s", and in the end the sum.
func (t *task) figures() string {
	n := t.bytes.Load()
	text := size(n)
	if !t.complete.Load() {
		all := ""
		if t.total >= 0 {
			all = " / " + size(t.total)
		}
		speed := float64(n) / max(time.Since(t.began), time.Millisecond).Seconds()
		text = fmt.Sprintf("%7s%-10s %8s/s", text, all, size(int64(speed)))
	}
	if t.detail == nil {
		return text
	}
	if detail := t.detail(); detail != "" {
		text += "  " + printable(detail)
	}
	return text
}

// line is that of a complete task.
func (t *task) line() string { return t.label() + " done " + t.figures() + "\n" }
