package cstor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/tarsplit"
)

// blame looks for the entry that makes the tar wrong, by the files' own checksums.
// It returns nil if they are all right: then it is the recipe.
func (l *Layer) blame(ctx context.Context) error {
	r, err := l.Tar(ctx, TarOptions{CheckCRC: true})
	if err != nil {
		return nil
	}
	defer r.Close()
	_, err = r.Copy(ctx, io.Discard, tarsplit.CopyOptions{})
	if entry := (*tarsplit.EntryError)(nil); errors.As(err, &entry) {
		return l.usurped(ctx, entry)
	}
	return nil
}

// usurped looks whether an entry is wrong because a later one has its place on disk:
// the names differ, but lead to one file, through ".." or links of the layer, or what
// was a directory is none any longer. If so, it says so, else it returns err.
func (l *Layer) usurped(ctx context.Context, err error) error {
	entry := (*tarsplit.EntryError)(nil)
	if !errors.As(err, &entry) || errors.Is(err, tarsplit.ErrLost) {
		return err
	}
	node, _ := l.Lstat(entry.Name) // nil if there is nothing
	place, later := path.Clean("/"+entry.Name), false
	for other, listErr := range l.Entries(ctx) {
		switch {
		case listErr != nil:
			return err
		case other.Name == entry.Name:
			later = true
		case later && l.takes(other, place, node):
			return &tarsplit.EntryError{
				Name: entry.Name,
				Err:  fmt.Errorf("%w: entry %q, later in the tar, has its place on disk: %w", tarsplit.ErrLost, other.Name, entry.Err),
			}
		}
	}
	return err
}

// takes reports whether an entry lies on disk where a file at place, now node, was.
func (l *Layer) takes(other *tarsplit.Entry, place string, node *driver.Node) bool {
	at := path.Clean("/" + other.Name)
	if at == place || other.Type != typeDir && strings.HasPrefix(place, at+"/") {
		return true
	}
	// A file with several names may be shared for other reasons, such as a tool that
	// looks for files of the same content.
	if node == nil || node.Nlink != 1 || other.File == "" {
		return false
	}
	n, err := l.Lstat(other.Name)
	return err == nil && n.Dev == node.Dev && n.Ino == node.Ino
}

// isContainers reports whether the layer looks like a container's, which nobody
// unpacked.
func (l *Layer) isContainers() bool {
	if !l.ofContainer() {
		return false
	}
	recipe, err := l.recipe()
	if err == nil {
		_ = recipe.Close() // was only opened
	}
	return errors.Is(err, ErrNoTar)
}

// explain tells a layer that was changed or deleted while it was read from a damaged
// one.
func (l *Layer) explain(err error) error {
	if !errors.Is(err, tarsplit.ErrMissing) && !errors.Is(err, tarsplit.ErrSize) && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNoTar) {
		return err
	}
	if l.isContainers() && !errors.Is(err, ErrNoTar) {
		return fmt.Errorf("the container may be running, and have changed what was being read: %w", err)
	}
	same, lookErr := l.snap.unchanged()
	if lookErr == nil && !same {
		return fmt.Errorf("the store has changed since it was read, and the layer may have been removed: %w", err)
	}
	return err
}
