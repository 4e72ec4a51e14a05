package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cstor-go/cstor"
)

// output is where a command writes content: standard output, something that is not
// a regular file and is written to in place, or a new file that gets its name when
// it is complete.
type output struct {
	io.Writer
	file  *os.File // to be closed; nil for standard output
	name  string   // the final name of a new file, which is file.Name() until then
	parts *parts   // has a new file until then
}

// create opens FILE for writing; "" and "-" are standard output. The caller calls
// commit when all is written, and abort in any case.
func (a *app) create(ctx context.Context, s *cstor.Storage, name string) (*output, error) {
	if name == "" || name == "-" {
		widen(a.stdout)
		return &output{Writer: a.stdout}, nil
	}
	switch info, err := os.Lstat(name); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, usagef("%s is a directory", name)
	case !info.Mode().IsRegular():
		return a.openInPlace(ctx, s, name)
	}
	dir, base := filepath.Split(name)
	// Joining would take a ".." behind a link for the link's parent.
	dir, err := filepath.EvalSymlinks(cmp.Or(dir, "."))
	if err != nil {
		return nil, err
	}
	return a.createIn(s, dir, base)
}

// createIn is create for a new or regular file in a directory whose name has no
// links.
func (a *app) createIn(s *cstor.Storage, dir, base string) (*output, error) {
	if err := outside(s, dir); err != nil {
		return nil, err
	}
	name, mode, exists := filepath.Join(dir, base), fs.FileMode(0o666), false
	switch info, err := os.Lstat(name); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is there, and is not a regular file", name)
	default:
		mode, exists = info.Mode().Perm(), true
	}
	for n := range 1000 {
		temp := filepath.Join(dir, fmt.Sprintf(".cstor-%d-%d.part", os.Getpid(), n))
		f, err := a.parts.create(temp, mode)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out := &output{Writer: f, file: f, name: name, parts: &a.parts}
		if exists {
			if err := f.Chmod(mode); err != nil { // the umask does not count
				out.abort()
				return nil, err
			}
		}
		return out, nil
	}
	return nil, fmt.Errorf("%s: no free name beside it for what is being written", name)
}

// openInPlace opens a FIFO, a device, or what a link leads to. If that is our own
// standard output, as /dev/stdout is, it is used as it is, so that a shell's ">>"
// means what it says.
func (a *app) openInPlace(ctx context.Context, s *cstor.Storage, name string) (*output, error) {
	if out, ok := a.stdout.(*os.File); ok {
		ours, err1 := out.Stat()
		theirs, err2 := os.Stat(name)
		if err1 == nil && err2 == nil && os.SameFile(ours, theirs) {
			widen(out)
			return &output{Writer: out}, nil
		}
	}
	dir, _ := filepath.Split(linkEnd(name))
	if err := outside(s, cmp.Or(dir, ".")); err != nil {
		return nil, err
	}
	type opened struct {
		file *os.File
		err  error
	}
	// A FIFO opens when somebody reads it: until then we can be interrupted.
	done := make(chan opened, 1)
	go func() {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
		done <- opened{f, err}
	}()
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case o := <-done:
		if o.err != nil {
			return nil, o.err
		}
		widen(o.file)
		return &output{Writer: o.file, file: o.file}, nil
	}
}

// linkEnd is where a link leads, and the next one from there, whether something is
// there or not. Of the links in /dev/fd, those to a pipe lead to a name beside them.
func linkEnd(name string) string {
	for range 40 { // as many as the kernel follows
		to, err := os.Readlink(name)
		if err != nil {
			break
		}
		if !filepath.IsAbs(to) {
			dir, _ := filepath.Split(name)
			to = dir + to
		}
		name = to
	}
	return name
}

// outside refuses to write inside a store.
func outside(s *cstor.Storage, dir string) error {
	root, err := s.InStore(dir)
	if err == nil && root != "" {
		if abs, err := filepath.Abs(dir); err == nil {
			dir = abs
		}
		err = fmt.Errorf("%s is inside the store %s, where cstor never writes", printable(dir), printable(root))
	}
	return err
}

// regular reports whether a file on disk is written to.
func (o *output) regular() bool {
	f, ok := o.Writer.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular()
}

// commit ends the writing: a new file gets its name.
func (o *output) commit() error {
	if o.file == nil {
		return nil
	}
	f := o.file
	err := f.Close()
	if o.name == "" {
		o.file = nil
		return err
	}
	if err != nil {
		return err // abort removes it
	}
	if err := o.parts.rename(f.Name(), o.name); err != nil {
		return err
	}
	o.file = nil
	return nil
}

// abort removes what is not complete; after commit it does nothing.
func (o *output) abort() {
	if o.file == nil {
		return
	}
	_ = o.file.Close() // perhaps closed already
	if o.name != "" {
		o.parts.remove(o.file.Name())
	}
	o.file = nil
}
