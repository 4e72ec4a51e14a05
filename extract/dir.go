package extract

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"sync"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/imagefs"
	"github.com/cstor-go/cstor/merge"
)

// Dir extracts what layers show together, base first, to dir, which must not exist, or
// be an empty directory; one that does not exist is made, in a directory that does. See
// the package comment for how.
//
// Errors about dir match [ErrDestination], [ErrInStore], or are those of the system
// calls. Those about an entry are an [*EntryError]; below it may be [ErrNoReflink],
// [ErrTaken], [ErrUnmapped], what the kernel said (ENOSPC, EDQUOT, EPERM, EOPNOTSUPP,
// ENAMETOOLONG, EMLINK, …), or damage of the store, such as [tarsplit.ErrSize] and
// [tarsplit.ErrMissing], in a container's own layer together with [cstor.ErrChanged]. Those of layers are of [cstor.Layer.Entries] and [merge.Build].
// If ctx ends, the error is its cause. What was made is removed after an error; if that
// fails the error says so too. The Report then tells what had been done.
func Dir(ctx context.Context, layers []*cstor.Layer, dir string, opts Options) (Report, error) {
	x, err := newExtraction(layers, opts)
	if err != nil {
		return Report{}, err
	}
	release, err := hold(ctx, layers)
	if err != nil {
		return Report{}, err
	}
	defer release()
	var cancel context.CancelFunc
	x.ctx, cancel = context.WithCancel(ctx)
	defer cancel()
	x.cancel = cancel
	if err := lookAhead(dir, layers); err != nil {
		return Report{}, err
	}
	if err := x.read(); err != nil {
		return Report{}, err
	}
	if opts.Verify {
		if x.report.Unverified, err = verify(ctx, layers); err != nil {
			return Report{}, err
		}
	}
	if x.to, err = openDestination(dir, layers); err != nil {
		return x.report, err
	}
	defer x.to.Close()
	x.owners.own = x.to.own
	if opts.Begin != nil {
		var total Total
		x.count(x.top, &total)
		opts.Begin(total)
	}
	err = x.write()
	if err != nil && !opts.KeepPartial {
		if undoErr := x.to.undo(x.made); undoErr != nil {
			err = errors.Join(err, fmt.Errorf("not all that was made could be removed: %w", undoErr))
		}
	}
	return x.report, err
}

// extraction is one call of Dir.
type extraction struct {
	ctx     context.Context
	cancel  context.CancelFunc
	opts    Options
	workers int

	layers  []*cstor.Layer
	sources []*source
	tree    *merge.Tree
	top     string            // the directory of the tree that is extracted
	firsts  map[string]string // see linkTarget
	marks   map[string]*marks // of a single layer, by directory
	files   func() *imagefs.FS

	to     *destination
	owners owners
	rights rights
	queue  *queue

	mu     sync.Mutex // for what follows
	err    error      // the first
	links  []link     // between directories
	later  []string   // directories that have not got their metadata
	report Report
}

func newExtraction(layers []*cstor.Layer, opts Options) (*extraction, error) {
	opts.Reflink = cmp.Or(opts.Reflink, ReflinkAlways)
	switch {
	case opts.Reflink != ReflinkAlways && opts.Reflink != ReflinkAuto && opts.Reflink != ReflinkNever:
		return nil, fmt.Errorf("reflink %q: %w", opts.Reflink, fs.ErrInvalid)
	case opts.Whiteouts != "" && opts.Whiteouts != WhiteoutsFiles && opts.Whiteouts != WhiteoutsOverlay:
		return nil, fmt.Errorf("whiteouts %q: %w", opts.Whiteouts, fs.ErrInvalid)
	case opts.Whiteouts != "" && (len(layers) != 1 || opts.Path != ""):
		return nil, fmt.Errorf("whiteouts are those of one layer, and of all of it: %w", fs.ErrInvalid)
	case opts.Parallel < 0:
		return nil, fmt.Errorf("parallel %d: %w", opts.Parallel, fs.ErrInvalid)
	case opts.NoSameOwner && len(opts.UIDMap)+len(opts.GIDMap) > 0:
		return nil, fmt.Errorf("id maps have no meaning without owners: %w", fs.ErrInvalid)
	}
	if err := cmp.Or(checkMap(opts.UIDMap), checkMap(opts.GIDMap)); err != nil {
		return nil, err
	}
	x := &extraction{
		opts: opts, layers: layers, queue: newQueue(), rights: ownRights(),
		workers: cmp.Or(opts.Parallel, max(2, min(runtime.GOMAXPROCS(0), 8))),
		owners:  owners{same: !opts.NoSameOwner, uids: opts.UIDMap, gids: opts.GIDMap},
		files:   sync.OnceValue(func() *imagefs.FS { return filesOf(layers) }),
	}
	for _, l := range layers {
		x.sources = append(x.sources, &source{Layer: l})
	}
	return x, nil
}

// read merges the layers and finds what is to be extracted.
func (x *extraction) read() (err error) {
	if x.opts.Whiteouts == "" {
		x.tree, err = merged(x.ctx, x.layers)
	} else {
		x.tree, x.marks, err = alone(x.ctx, x.layers[0])
	}
	if err != nil {
		return err
	}
	n, err := x.tree.Follow(x.opts.Path, true)
	if err != nil {
		return err
	}
	if n.Entry.Type != '5' {
		return &fs.PathError{Op: "extract", Path: x.opts.Path, Err: errNotDir}
	}
	if x.top = n.Path; x.top != "." {
		x.firsts = map[string]string{}
		x.findFirsts(x.top)
	}
	return nil
}

// count adds the files below a directory of the tree.
func (x *extraction) count(dir string, total *Total) {
	for n := range x.tree.Below(dir) {
		switch {
		case n.Entry.Type == '5':
			x.count(n.Path, total)
		case n.Entry.Type == '0' && x.linkTarget(&n) == "":
			total.Files++
			total.Bytes += length(n.Entry)
		}
	}
}

// write fills the destination.
func (x *extraction) write() error {
	x.report.Dirs = 1
	x.queue.add(task{path: x.top, mode: unknown})
	x.run()
	if x.err == nil {
		var last sync.WaitGroup
		last.Go(func() {
			w := x.newWorker()
			if x.err = w.makeLinks(); x.err == nil {
				x.err = w.finishLate()
			}
			x.report.join(&w.report)
		})
		last.Wait()
	}
	return cmp.Or(x.err, context.Cause(x.ctx))
}

// fail keeps the first error, and ends the work.
func (x *extraction) fail(err error) {
	x.mu.Lock()
	if x.err == nil {
		x.err = err
	}
	x.mu.Unlock()
	x.cancel()
	x.queue.end()
}

func (x *extraction) failed() bool { return x.ctx.Err() != nil }

// place is where a path of the tree lies in the destination.
func (x *extraction) place(path string) string {
	at, _ := rel(x.top, path)
	return at
}

// made reports whether a path of the destination is of the tree.
func (x *extraction) made(path string) bool {
	if x.top != "." {
		path = x.top + "/" + path
	}
	if _, ok := x.tree.Lookup(path); ok {
		return true
	}
	return x.isMark(path)
}

// layer is that with an index, nil for -1.
func (x *extraction) layer(index int) *cstor.Layer {
	if index < 0 {
		return nil
	}
	return x.layers[index]
}

// hold keeps writers out, if that was asked for.
func hold(ctx context.Context, layers []*cstor.Layer) (release func(), err error) {
	var all []func()
	release = func() {
		for _, r := range all {
			r()
		}
	}
	for _, l := range layers {
		r, err := l.Hold(ctx)
		if err != nil {
			release()
			return nil, err
		}
		all = append(all, r)
	}
	return release, nil
}
