package cstor

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Errors that callers may want to tell apart. They come wrapped, most of them in a
// [*StoreError].
var (
	// ErrNotFound: no image, layer or container of that name. Matches
	// [fs.ErrNotExist]. What a store's records promise and its disk lacks is damage
	// and does not match.
	ErrNotFound error = notFound{}
	// ErrNotStore: the directory is not the root of a containers-storage.
	ErrNotStore = errors.New("not a containers-storage root")
	// ErrLocked: the lock that Options.Lock asks for was not had within a second.
	ErrLocked = errors.New("a writer holds the lock; try again, or read without it")
	// ErrBusy: the store was being changed each time it was read.
	ErrBusy = errors.New("the store changes faster than it can be read; try again")
	// ErrIncomplete: an image whose manifest or configuration is not there: it is
	// being pulled at this moment, or was left behind half-made.
	ErrIncomplete = errors.New("incomplete image")
	// ErrNoTar: the layer has no tar-split, so that its exact tar does not exist.
	ErrNoTar = errors.New("the exact tar of this layer cannot be rebuilt")
	// ErrDamaged: the records promise what the disk does not have.
	ErrDamaged = errors.New("the store is damaged")
	// ErrChanged: a file of a container's own layer is not as it was a moment before. The
	// container runs: try again, or pause it.
	ErrChanged = errors.New("the container may be running, and have changed it meanwhile")
	// ErrUnsupported: a kind of store or layer that cstor cannot read.
	ErrUnsupported = errors.New("not supported")
)

var errClosed = fmt.Errorf("cstor: the storage is closed: %w", fs.ErrClosed)

type notFound struct{}

func (notFound) Error() string        { return "not found" }
func (notFound) Is(target error) bool { return target == fs.ErrNotExist }

// StoreError says in which store, and at which part of it, something went wrong.
type StoreError struct {
	Store string // its root directory
	What  string // "layer 3f2a…", "image …", "overlay-layers/layers.json"; may be empty
	Err   error
}

func (e *StoreError) Error() string {
	if e.What == "" {
		return fmt.Sprintf("store %s: %v", e.Store, e.Err)
	}
	return fmt.Sprintf("store %s: %s: %v", e.Store, e.What, e.Err)
}

func (e *StoreError) Unwrap() error { return e.Err }

// AmbiguousError says that a reference could mean several things.
type AmbiguousError struct {
	Kind       string // "image", "layer", "container", or "driver of" if Ref is a root
	Ref        string // as it was asked for
	Candidates []string
}

func (e *AmbiguousError) Error() string {
	list := strings.Join(e.Candidates, ", ")
	if n := len(e.Candidates); n > 8 {
		list = strings.Join(e.Candidates[:8], ", ") + fmt.Sprintf(" and %d more", n-8)
	}
	return fmt.Sprintf("%s %q is ambiguous: %s", e.Kind, e.Ref, list)
}

// MismatchError says that content is not what the store's records promise.
type MismatchError struct {
	What      string // "diff id", "config digest", …
	Want, Got string
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("%s: recorded %s, found %s", e.What, e.Want, e.Got)
}

// damaged turns the absence of something that the records promise into damage: the
// cause is kept as text, so that it does not look like an answer to a lookup.
func damaged(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %v", ErrDamaged, err) //nolint:errorlint // on purpose, see above
	}
	return err
}

func notFoundError(kind, ref string) error {
	return fmt.Errorf("%s %q: %w", kind, ref, ErrNotFound)
}
