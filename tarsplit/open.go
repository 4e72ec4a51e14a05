package tarsplit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Opener opens files of a layer by the name that the tar gives them.
type Opener interface {
	// OpenFile opens a regular file for reading; the caller closes it. It must not
	// follow name out of the layer, and must not block on what is not a regular
	// file. It may be called from several goroutines.
	OpenFile(name string) (*os.File, error)
}

// openExtent opens a file of the layer that must have size bytes.
func openExtent(files Opener, name string, size int64) (*os.File, error) {
	f, err := files.OpenFile(name)
	if err != nil {
		return nil, openError(err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = errors.New("not a regular file")
	default:
		err = checkSize(size, info.Size())
	}
	if err != nil {
		_ = f.Close() // was only read
		return nil, err
	}
	return f, nil
}

// openError tells a file that is gone from other errors of an [Opener].
func openError(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %v", ErrMissing, err) //nolint:errorlint // see ErrMissing
	}
	return err
}

func checkSize(want, have int64) error {
	if want == have {
		return nil
	}
	return fmt.Errorf("%w: the tar has %d bytes, the file %d", ErrSize, want, have)
}
