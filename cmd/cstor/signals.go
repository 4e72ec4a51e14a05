package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"
)

// grace is how long a command has to end by itself after a signal. It may be
// blocked where no context reaches: by whoever does not read its output.
const grace = time.Second

// interruption is a signal that ended the context, as its cause.
type interruption struct{ signal syscall.Signal }

func (i interruption) Error() string { return "interrupted" }

// status is the exit status that shells give to what a signal has ended.
func (i interruption) status() int { return 128 + int(i.signal) }

// interruptible returns a context that ends with the first signal. If the program is
// still there after grace, or when a second signal comes, it is ended, without the
// files that were being written. The caller calls stop.
func (a *app) interruptible(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	came, done := make(chan os.Signal, 2), make(chan struct{})
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) { // as nohup has it, and shells in the background
			signal.Notify(came, s)
		}
	}
	go func() {
		var by interruption
		select {
		case <-done:
			return
		case s := <-came:
			by.signal, _ = s.(syscall.Signal)
			cancel(by)
		}
		select {
		case <-done:
			return
		case <-came:
		case <-time.After(grace):
			if a.busy.Load() > 0 {
				select {
				case <-done:
					return
				case <-came:
				}
			}
		}
		a.parts.removeAll()
		a.sayInterrupted()
		os.Exit(by.status())
	}()
	return ctx, func() {
		signal.Stop(came)
		close(done)
		cancel(nil)
	}
}

// unhurried is for a command that has more to take away after a signal than grace has
// time for: until the result is called, only a second signal ends it.
func (a *app) unhurried() (end func()) {
	a.busy.Add(1)
	return func() { a.busy.Add(-1) }
}

// interruptedBy is the signal that ended ctx, if one did.
func interruptedBy(ctx context.Context) (by interruption, ok bool) {
	ok = errors.As(context.Cause(ctx), &by)
	return by, ok
}

// sayInterrupted says so once. Standard error can be what the program is blocked by:
// then it stays unsaid.
func (a *app) sayInterrupted() {
	if a.said.Swap(true) {
		return
	}
	a.progress.mute()
	written := make(chan struct{})
	go func() {
		fmt.Fprintln(a.stderr, "cstor: interrupted")
		close(written)
	}()
	select {
	case <-written:
	case <-time.After(grace / 10):
	}
}

// parts are the files that are being written under names of their own, and the
// directories made for them. The zero value has none; it is safe for concurrent use.
type parts struct {
	mu    sync.Mutex
	names map[string]bool
}

// create makes a file that is not there yet.
func (p *parts) create(name string, mode os.FileMode) (*os.File, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return nil, err
	}
	if p.names == nil {
		p.names = map[string]bool{}
	}
	p.names[name] = true
	return f, nil
}

// mkdir makes a directory that is not there yet. It stays after keep.
func (p *parts) mkdir(name string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := os.Mkdir(name, 0o777); err != nil {
		return err
	}
	if p.names == nil {
		p.names = map[string]bool{}
	}
	p.names[name] = true
	return nil
}

func (p *parts) keep(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.names, name)
}

// rename gives a file its final name.
func (p *parts) rename(name, to string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := os.Rename(name, to)
	if err == nil {
		delete(p.names, name)
	}
	return err
}

// remove takes a file away, or a directory that is empty.
func (p *parts) remove(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = os.Remove(name) // nothing else can be done about it
	delete(p.names, name)
}

// removeAll is the end: no file is made or named after it.
func (p *parts) removeAll() {
	p.mu.Lock()
	// What is in a directory comes after it in order.
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(p.names))) {
		_ = os.Remove(name) // nothing else can be done about it
	}
}
