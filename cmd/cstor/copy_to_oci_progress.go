package main

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/cstor-go/cstor/ocicopy"
	"github.com/cstor-go/cstor/ocisource"
)

// copyProgress shows layers that are copied: on a terminal a bar for each, elsewhere a
// line when it is done.
type copyProgress struct {
	*app
	quiet bool
	drawn bool

	mu    sync.Mutex
	tasks map[*ocisource.Layer]*copyTask
}

type copyTask struct {
	task
	reused atomic.Bool
}

func (t *copyTask) note() string {
	if t.reused.Load() {
		return "was there"
	}
	return ""
}

func (p *copyProgress) start() {
	p.tasks = map[*ocisource.Layer]*copyTask{}
	if !p.quiet {
		p.drawn = p.progress.start(p.stderr)
	}
}

// tell is called by several goroutines.
func (p *copyProgress) tell(e ocicopy.Event) {
	id := short(e.Layer.Stored().ID())
	switch e.Step {
	case ocicopy.Started:
		t := &copyTask{task: task{name: id, total: e.Bytes}}
		t.detail = t.note
		p.mu.Lock()
		p.tasks[e.Layer] = t
		p.mu.Unlock()
		p.progress.begin(&t.task)
	case ocicopy.Moved:
		p.task(e).add(e.Bytes)
	case ocicopy.Done:
		t := p.task(e)
		t.reused.Store(e.Reused)
		t.done()
		if !p.drawn && !p.quiet {
			text := fmt.Sprintf("layer %s: %s, %s", id, short(e.Descriptor.Digest.String()), size(e.Descriptor.Size))
			if e.Reused {
				text += ", was there"
			}
			p.progress.print(p.stderr, text+"\n")
		}
	}
}

func (p *copyProgress) task(e ocicopy.Event) *copyTask {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tasks[e.Layer]
}
