package extract

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/tarsplit"
)

// Errors that callers may want to tell apart. They come wrapped.
var (
	// ErrNoReflink: the destination cannot share blocks with the store. ReflinkAuto
	// copies there.
	ErrNoReflink = errors.New("blocks cannot be shared")
	// ErrDestination: the directory to extract to is there and not an empty directory.
	ErrDestination = errors.New("not an empty directory")
	// ErrInStore: the directory to extract to lies inside a store, where nothing is ever
	// written.
	ErrInStore = errors.New("inside a store")
	// ErrTaken: the name of an entry was there already when it was to be made, so that
	// the destination takes two names for one (of other case, or otherwise composed), or
	// somebody else writes there.
	ErrTaken = errors.New("the name is taken")
	// ErrUnmapped: an owner is in no range of the id map.
	ErrUnmapped = errors.New("no place in the id map")
)

// EntryError says which entry of an image could not be extracted.
type EntryError struct {
	Layer *cstor.Layer // that has it; nil for a directory that no header names
	Name  string       // its path in the image, any bytes
	Op    string       // what was to be done: "create", "read", "chown", …
	Err   error
}

// Error names the store too, in the words of [cstor.StoreError].
func (e *EntryError) Error() string {
	text := fmt.Sprintf("entry %.200q: %s: %v", e.Name, e.Op, e.Err)
	if e.Layer == nil {
		return text
	}
	root, _ := e.Layer.Store()
	return fmt.Sprintf("store %s: layer %s: %s", root, e.Layer, text)
}

func (e *EntryError) Unwrap() error { return e.Err }

// opError is an error of an operation on an entry that is not known here.
type opError struct {
	op  string
	err error
}

func (e *opError) Error() string { return e.op + ": " + e.err.Error() }

func (e *opError) Unwrap() error { return e.err }

func failed(op string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, unix.EEXIST) {
		err = fmt.Errorf("%w: the file system may not tell case, or forms of letters, apart: %w", ErrTaken, err)
	}
	return &opError{op, err}
}

// entryError names the entry.
func (x *extraction) entryError(name string, layer int, err error) error {
	op := "extract"
	if o := (*opError)(nil); errors.As(err, &o) {
		op, err = o.op, o.err
	}
	l := x.layer(layer)
	err = within(l, err)
	if l != nil && l.Changing() && isChange(err) {
		err = fmt.Errorf("%w: %w", err, cstor.ErrChanged)
	}
	return &EntryError{Layer: l, Name: name, Op: op, Err: err}
}

// within is an error without the store and the layer in front, if these are those of l:
// an [EntryError] says them.
func within(l *cstor.Layer, err error) error {
	s := (*cstor.StoreError)(nil)
	if l == nil || !errors.As(err, &s) {
		return err
	}
	root, _ := l.Store()
	if err != error(s) || s.Store != root || s.What != "layer "+l.ID() { //nolint:errorlint // what is around it would be lost
		return err
	}
	return s.Err
}

// isChange reports whether an error comes of a file that is not as it was when the tree
// was read.
func isChange(err error) bool {
	for _, is := range []error{tarsplit.ErrSize, tarsplit.ErrMissing, io.ErrUnexpectedEOF, driver.ErrNotRegular, unix.ENOTDIR} {
		if errors.Is(err, is) {
			return true
		}
	}
	return false
}

// readError tells damage from other errors of opening a file of a layer.
func readError(l *cstor.Layer, name string, err error) error {
	err = within(l, err)
	switch {
	case !errors.Is(err, fs.ErrNotExist):
		return err
	case strings.HasPrefix(path.Base(name), ".wh."):
		return fmt.Errorf("%w: the content of a whiteout, of which there is only the mark", tarsplit.ErrLost)
	}
	return fmt.Errorf("%w: %v", tarsplit.ErrMissing, err) //nolint:errorlint // what is damage must not match fs.ErrNotExist
}
