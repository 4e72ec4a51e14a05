package extract

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/merge"
	"github.com/cstor-go/cstor/tarsplit"
)

// TarOptions of [Tar]. The zero value is ready to use.
type TarOptions struct {
	// Path is a directory of the image to write, in the place of all of it; links in it
	// are followed inside the image. "": the root.
	Path string
	// Verify checks content before anything is written: see [Report.Unverified].
	Verify bool
	// Progress, if not nil, is told how many more bytes have been written, by the calling
	// goroutine.
	Progress func(bytes int64)
}

// Tar writes what layers show together, base first, as one flat tar: without whiteouts,
// each directory before what is in it, the names in a directory in the order of their
// bytes, the root as "./" first, and of the names of one file all but the first as hard
// links. Headers are ustar, or PAX where that does not do, and say what those of the
// layers say, times to the nanosecond; access times and holes are left out (see
// [tarsplit.Make]). The same layers give the same bytes, always, but for directories that
// no header names, which are as the disk has them.
//
// Memory does not depend on the size of files. Errors are as those of [Dir], and of w;
// what has been written then is no tar. Report.Copied has all bytes of content.
func Tar(ctx context.Context, layers []*cstor.Layer, w io.Writer, opts TarOptions) (Report, error) {
	x, err := newExtraction(layers, Options{Path: opts.Path})
	if err != nil {
		return Report{}, err
	}
	release, err := hold(ctx, layers)
	if err != nil {
		return Report{}, err
	}
	defer release()
	x.ctx = ctx
	if err := x.read(); err != nil {
		return Report{}, err
	}
	if opts.Verify {
		if x.report.Unverified, err = verify(ctx, layers); err != nil {
			return Report{}, err
		}
	}
	r, err := tarsplit.Make(x.entries, stack(layers), tarsplit.Options{})
	if err != nil {
		return Report{}, err
	}
	defer r.Close()
	_, err = r.Copy(ctx, w, tarsplit.CopyOptions{Progress: opts.Progress})
	if e := (*tarsplit.EntryError)(nil); errors.As(err, &e) {
		layer, name := -1, e.Name
		op := "write"
		if at, file, ok := stack(layers).split(e.Name); ok {
			layer, name, op = at, file, "read"
		}
		err = x.entryError(name, layer, failed(op, e.Err))
	}
	return x.report, err
}

// entries are those of the tar.
func (x *extraction) entries(yield func(*tarsplit.Entry, error) bool) {
	n, ok := x.tree.Lookup(x.top)
	if !ok {
		yield(nil, fs.ErrNotExist) // never
		return
	}
	x.entriesFrom(n, yield)
}

// entriesFrom yields the entry of a node and those of all below it.
func (x *extraction) entriesFrom(n merge.Node, yield func(*tarsplit.Entry, error) bool) bool {
	if err := x.complete(&n); err != nil {
		yield(nil, x.entryError(n.Path, n.Layer, err))
		return false
	}
	e := n.Entry
	e.Name = x.place(n.Path)
	switch target := x.linkTarget(&n); {
	case target != "":
		x.report.Links++
		e.Type, e.Linkname, e.Size, e.Sparse, e.File = '1', x.place(target), 0, nil, ""
	case e.Type == '5':
		x.report.Dirs++
		e.Name += "/"
	case e.Type == '2':
		x.report.Symlinks++
	case e.Type == '0':
		x.report.Files++
		x.report.Copied += length(e)
		e.File = stackName(&n)
	default:
		x.report.Others++
	}
	if !yield(e, nil) {
		return false
	}
	if e.Type == '5' {
		for child := range x.tree.Below(n.Path) {
			if !x.entriesFrom(child, yield) {
				return false
			}
		}
	}
	return true
}
