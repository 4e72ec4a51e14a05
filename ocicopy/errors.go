package ocicopy

import (
	"errors"
	"io/fs"

	"github.com/cstor-go/cstor/ocisource"
)

// Errors that callers may want to tell apart. They come wrapped.
var (
	// ErrInStore: the destination or the spool lies in a store, where nothing is ever
	// written. It is [ocisource.ErrInStore].
	ErrInStore = ocisource.ErrInStore
	// ErrNotLayout: the directory is no OCI layout and not empty, or is one of another
	// version, or has an index that cannot be read.
	ErrNotLayout = errors.New("not an OCI layout that can be added to")
	// ErrReference: what the image would be called is not valid there.
	ErrReference = errors.New("invalid reference")
	// ErrDestination: a destination that cannot be understood, or does not take what it
	// is given.
	ErrDestination = errors.New("invalid destination")
	// ErrNoImages: there is nothing to copy.
	ErrNoImages = errors.New("no images to copy")
)

// cause is what happened, without the name of a file that is about to get another.
func cause(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}
