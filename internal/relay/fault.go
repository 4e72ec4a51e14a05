package relay

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"syscall"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/internal/ondisk"
	"github.com/cstor-go/cstor/toc"
)

// sentinels are the errors that can be told apart on the other side, besides all of the
// kernel's. Their places in the list are what crosses.
var sentinels = []error{
	fs.ErrNotExist, fs.ErrPermission, fs.ErrInvalid, fs.ErrExist, fs.ErrClosed,
	io.ErrUnexpectedEOF, errors.ErrUnsupported,
	driver.ErrMetacopy, driver.ErrNotRegular, driver.ErrObject,
	beneath.ErrTooLarge, ondisk.ErrID, toc.ErrLimit, driver.ErrRedirect,
}

// fault is an error of the other side: its text, and what it matches.
type fault struct {
	text   string
	where  *fs.PathError // that is in it, without its cause; nil if there is none
	errnos []syscall.Errno
	is     uint64 // which of the sentinels
}

func (f *fault) Error() string { return f.text }

// Is implements [errors.Is].
func (f *fault) Is(target error) bool {
	if n := slices.Index(sentinels, target); n >= 0 {
		return f.is&(1<<n) != 0
	}
	return slices.ContainsFunc(f.errnos, func(e syscall.Errno) bool { return error(e) == target || e.Is(target) })
}

// As implements [errors.As].
func (f *fault) As(target any) bool {
	switch target := target.(type) {
	case *syscall.Errno:
		if len(f.errnos) > 0 {
			*target = f.errnos[0]
			return true
		}
	case **fs.PathError:
		if f.where != nil {
			*target = f.where
			return true
		}
	}
	return false
}

// newFault is what crosses of an error.
func newFault(err error) *fault {
	f := &fault{text: err.Error()}
	for n, s := range sentinels {
		if errors.Is(err, s) {
			f.is |= 1 << n
		}
	}
	f.collect(err)
	return f
}

// collect finds the kernel's errors, and the first that says where.
func (f *fault) collect(err error) {
	switch err := err.(type) { //nolint:errorlint // each is looked at by itself
	case syscall.Errno:
		if !slices.Contains(f.errnos, err) && len(f.errnos) < maxErrnos {
			f.errnos = append(f.errnos, err)
		}
	case *fs.PathError:
		if f.where == nil {
			f.where = err
		}
	case *fault: // that has crossed before
		f.errnos = err.errnos
		if f.where == nil {
			f.where = err.where
		}
	}
	switch err := err.(type) { //nolint:errorlint // likewise
	case interface{ Unwrap() error }:
		if inner := err.Unwrap(); inner != nil {
			f.collect(inner)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range err.Unwrap() {
			f.collect(inner)
		}
	}
}

// maxErrnos is how many of the kernel's errors cross; there are hardly ever two.
const maxErrnos = 8

// fault appends an error. An [fs.PathError] stays one.
func (e *encoder) fault(err error) {
	top, ok := err.(*fs.PathError) //nolint:errorlint // what is in it comes by As
	if e.bool(ok); ok {
		e.str(top.Op)
		e.str(top.Path)
		err = top.Err
	}
	f := newFault(err)
	e.str(f.text)
	e.uint(f.is)
	e.uint(uint64(len(f.errnos)))
	for _, n := range f.errnos {
		e.uint(uint64(n))
	}
	e.bool(f.where != nil)
	if f.where != nil {
		e.str(f.where.Op)
		e.str(f.where.Path)
		e.str(f.where.Err.Error())
	}
}

// fault takes an error.
func (d *decoder) fault() error {
	var top *fs.PathError
	if d.bool() {
		top = &fs.PathError{Op: d.str(), Path: d.str()}
	}
	f := &fault{text: d.str(), is: d.uint()}
	for n := min(d.count(), maxErrnos); n > 0 && !d.bad; n-- {
		f.errnos = append(f.errnos, syscall.Errno(d.uint()))
	}
	if d.bool() {
		f.where = &fs.PathError{Op: d.str(), Path: d.str()}
		f.where.Err = &fault{text: d.str(), is: f.is, errnos: f.errnos}
	}
	if top == nil {
		return f
	}
	top.Err = f
	return top
}
