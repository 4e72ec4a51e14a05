package tarsplit

import (
	"errors"
	"fmt"
	"io"
)

// FileReader is an [Opener] that reads a small file faster than by opening it.
type FileReader interface {
	Opener
	// ReadFile reads the regular file name into p if it has len(p) bytes, and
	// returns its size; if that is another, p may hold anything. A file that is
	// shortened meanwhile gives an error that matches [io.ErrUnexpectedEOF].
	// Otherwise as OpenFile.
	ReadFile(name string, p []byte) (size int64, err error)
}

// BatchReader is a FileReader for which many files in one call take less than as many
// calls: one that asks another process.
type BatchReader interface {
	FileReader
	// ReadFiles is ReadFile of several files, in their order, up to the first that
	// cannot be read or has another size than its P has room. It returns how many are
	// before that one, and what ReadFile returns of it; for all of them, 0 and nil.
	ReadFiles(files []FileInto) (n int, size int64, err error)
}

// FileInto is a file that is to be read.
type FileInto struct {
	Name string
	P    []byte // has room for all of it
}

// readSmall reads all of a file of len(p) bytes.
func readSmall(files Opener, name string, p []byte) error {
	if r, ok := files.(FileReader); ok {
		size, err := r.ReadFile(name, p)
		return smallError(name, int64(len(p)), size, err)
	}
	f, err := openExtent(files, name, int64(len(p)))
	if err != nil {
		return err
	}
	defer f.Close()
	if n, err := io.ReadFull(f, p); err != nil {
		return readError(err, int64(len(p)-n))
	}
	return nil
}

// smallError is what ReadFile gave of a file that should have want bytes.
func smallError(name string, want, size int64, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: shortened while it was read", ErrSize)
	}
	if err != nil {
		return openError(name, err)
	}
	return checkSize(want, size)
}

// readError is what reading a file that was open gave; left bytes were not read.
func readError(err error, left int64) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: shortened while it was read, %d bytes are missing", ErrSize, left)
	}
	return err
}
