package merge

import (
	"errors"
	"fmt"
)

// Errors that callers may want to tell apart. They come wrapped.
var (
	// ErrLimit: the layers have more than the options allow, or ways through links
	// that no sane layer has.
	ErrLimit = errors.New("over the limit")
	// ErrTarget: what a hard link leads to is not there, or a directory. It does not
	// match fs.ErrNotExist: the layers are damaged.
	ErrTarget = errors.New("no file to link to")
)

// EntryError says which entry cannot be unpacked.
type EntryError struct {
	Layer int    // its index, the base is 0
	Name  string // as in the tar header, any bytes
	Err   error
}

func (e *EntryError) Error() string {
	return fmt.Sprintf("layer %d: entry %.200q: %v", e.Layer, e.Name, e.Err)
}

func (e *EntryError) Unwrap() error { return e.Err }
