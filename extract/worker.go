package extract

import (
	"context"
	"errors"
	"path"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/merge"
)

// A worker makes entries. It has an OS thread of its own.
type worker struct {
	*extraction
	mask   uint32 // permissions that the kernel takes from what it makes
	report Report
	told   Progress // of the report, so far
	buf    []byte
}

// A folder is a directory that is being filled.
type folder struct {
	fd     int
	mode   uint32 // permissions that it has
	node   merge.Node
	left   atomic.Int32 // those who fill it
	inside []link       // further names of its own files
	linked bool         // links into it will come later
}

// batch is some of a folder's entries.
type batch struct {
	folder *folder
	nodes  []merge.Node
}

const batchLen = 64

// run does the tasks in q with several workers.
func (x *extraction) run() {
	var all sync.WaitGroup
	for range x.workers {
		all.Go(func() {
			w := x.newWorker()
			for {
				t, ok := x.queue.take()
				if !ok {
					break
				}
				if err := w.do(t); err != nil {
					x.fail(err)
				}
				w.tell()
				x.queue.done()
			}
			x.mu.Lock()
			defer x.mu.Unlock()
			x.report.join(&w.report)
		})
	}
	all.Wait()
	for _, b := range x.queue.rest() { // after an error
		if f := b.folder; f.left.Add(-1) == 0 {
			unix.Close(f.fd)
		}
	}
}

// newWorker keeps the calling goroutine on its thread, which has a file mode creation
// mask of its own if the kernel lets us, and so makes files with the modes that they
// shall have. It must not be unlocked after that: the thread ends with the goroutine.
func (x *extraction) newWorker() *worker {
	runtime.LockOSThread()
	w := &worker{extraction: x, mask: x.to.mask, buf: make([]byte, bufSize)}
	if unix.Gettid() == unix.Getpid() { // the first thread, which stays
		runtime.UnlockOSThread()
		return w
	}
	if unix.Unshare(unix.CLONE_FS) == nil {
		unix.Umask(0)
		w.mask = 0
	}
	return w
}

// tell passes on what has been done since the last time.
func (w *worker) tell() {
	now := Progress{w.report.Files, w.report.Shared, w.report.Copied}
	if w.opts.Progress != nil && now != w.told {
		w.opts.Progress(Progress{now.Files - w.told.Files, now.Shared - w.told.Shared, now.Copied - w.told.Copied})
	}
	w.told = now
}

func (w *worker) do(t task) error {
	if t.batch == nil {
		return w.fill(t)
	}
	return errors.Join(w.fillBatch(t.batch), w.leave(t.batch.folder))
}

// fill makes what is directly in a directory, and adds the directories among it as tasks.
func (w *worker) fill(t task) error {
	f := &folder{fd: -1, mode: t.mode}
	f.left.Store(1)
	var ok bool
	if f.node, ok = w.tree.Lookup(t.path); !ok {
		return errors.New("the tree has changed") // never
	}
	return errors.Join(w.fillFolder(f), w.leave(f))
}

func (w *worker) fillFolder(f *folder) (err error) {
	if err := context.Cause(w.ctx); err != nil {
		return err
	}
	if f.fd, err = w.to.OpenDir(w.place(f.node.Path)); err != nil {
		return w.entryError(f.node.Path, f.node.Layer, failed("open", err))
	}
	b := &batch{folder: f}
	for n := range w.tree.Below(f.node.Path) {
		if n.Entry.Type == '5' {
			mode := w.firstMode(&n)
			if err := beneath.Retry(func() error { return unix.Mkdirat(f.fd, path.Base(n.Path), mode) }); err != nil {
				return w.entryError(n.Path, n.Layer, failed("create", err))
			}
			w.report.Dirs++
			w.queue.add(task{path: n.Path, mode: mode &^ w.mask})
			continue
		}
		if target := w.linkTarget(&n); target != "" {
			w.postpone(f, link{n.Path, target, n.Layer})
			continue
		}
		if b.nodes = append(b.nodes, n); len(b.nodes) < batchLen {
			continue
		}
		f.left.Add(1)
		if w.queue.offer(b) {
			b = &batch{folder: f}
			continue
		}
		f.left.Add(-1)
		if err := w.fillBatch(b); err != nil {
			return err
		}
		b.nodes = b.nodes[:0]
	}
	if err := w.fillBatch(b); err != nil {
		return err
	}
	return w.whiteouts(f)
}

func (w *worker) fillBatch(b *batch) error {
	if err := context.Cause(w.ctx); err != nil {
		return err
	}
	for i := range b.nodes {
		n := &b.nodes[i]
		if err := w.make(b.folder.fd, n); err != nil {
			return w.entryError(n.Path, n.Layer, err)
		}
	}
	w.tell()
	return nil
}

// leave ends one's part in filling a folder. The last one gives it its metadata, unless
// they would be in the way of those who still come: then that is done in the end.
func (w *worker) leave(f *folder) error {
	if f.left.Add(-1) > 0 || f.fd < 0 {
		return nil
	}
	defer unix.Close(f.fd)
	if w.failed() {
		return nil
	}
	for _, l := range f.inside {
		if err := w.linked(l, linkat(f.fd, f.fd, l)); err != nil {
			return err
		}
	}
	if f.linked || w.place(f.node.Path) == "." || !w.rights.anywhere && !w.harmless(&f.node) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.later = append(w.later, f.node.Path)
		return nil
	}
	return w.finish(f.fd, &f.node, f.mode)
}

// firstMode is what a directory is made with: its own permissions if we can fill it so.
// Nobody else can come to it before its time.
func (w *worker) firstMode(n *merge.Node) uint32 {
	mode := uint32(n.Entry.Mode) & 0o777
	if n.Layer < 0 || n.Path == w.top || mode&0o700 != 0o700 {
		return 0o700
	}
	return mode
}

// harmless reports whether we can still enter a directory when it has its metadata.
func (w *worker) harmless(n *merge.Node) bool {
	uid, gid, err := w.owners.of(n.Entry)
	mine := !w.owners.same || err == nil && uid == w.owners.own.uid && gid == w.owners.own.gid
	return mine && n.Entry.Mode&0o700 == 0o700
}

// finish gives a directory that is full its metadata. Mode is what it has.
func (w *worker) finish(fd int, n *merge.Node, mode uint32) error {
	err := w.complete(n)
	if err == nil {
		err = w.describe(&node{path: n.Path, dir: -1, fd: fd, kind: '5', mode: mode}, n.Entry)
	}
	if err == nil {
		err = w.opaque(fd, n)
	}
	if err != nil {
		return w.entryError(n.Path, n.Layer, err)
	}
	return nil
}
