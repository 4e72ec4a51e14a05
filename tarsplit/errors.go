package tarsplit

import (
	"errors"
	"fmt"
)

// Errors that callers may want to tell apart. They come wrapped.
var (
	// ErrLimit: the recipe asks for more than the options, or any sane tar, allow.
	ErrLimit = errors.New("over the limit")
	// ErrSize: a file or the whole tar does not have the promised length.
	ErrSize = errors.New("wrong size")
	// ErrMissing: the layer lacks a file that the recipe names. It does not match
	// fs.ErrNotExist: this is damage, or the layer is being removed.
	ErrMissing = errors.New("the file is gone")
	// ErrLost: the tar had bytes that unpacking it did not keep, so that no store can
	// give it back; always within an [*EntryError], that says which. It is no damage.
	ErrLost = errors.New("unpacking did not keep it")
	// ErrCRC: a file's content is not what was unpacked.
	ErrCRC = errors.New("CRC-64 differs")
	// ErrDigest: a file's content is not what Entry.Digest says.
	ErrDigest = errors.New("SHA-256 differs")
)

// FormatError says where a recipe is damaged, or could not be read: it is not gzip, it
// is truncated, a line is not a tar-split record, or its reader gave an error.
type FormatError struct {
	Line int64 // of the uncompressed recipe, from 0: the "position" of a sane record
	Err  error
}

func (e *FormatError) Error() string { return fmt.Sprintf("tar-split line %d: %v", e.Line, e.Err) }

func (e *FormatError) Unwrap() error { return e.Err }

// EntryError says that an entry of the tar could not be had.
type EntryError struct {
	Name string // as in the tar header, any bytes
	Err  error
}

func entryError(name string, err error) error { return &EntryError{Name: name, Err: noEOF(err)} }

func (e *EntryError) Error() string { return fmt.Sprintf("entry %q: %v", e.Name, e.Err) }

func (e *EntryError) Unwrap() error { return e.Err }
