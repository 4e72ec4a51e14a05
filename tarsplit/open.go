package tarsplit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
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
		return nil, openError(name, err)
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

// openError tells a file that is gone from other errors of an [Opener]. Of a whiteout
// there never was one, unless a mount program keeps files of that name: drivers make a
// mark of it and drop its content, which is hardly ever there (container-libs
// storage/pkg/archive/archive_linux.go:overlayWhiteoutConverter.ConvertReadWithHandler).
func openError(name string, err error) error {
	switch {
	case !errors.Is(err, fs.ErrNotExist):
		return err
	case strings.HasPrefix(path.Base(name), ".wh."):
		return fmt.Errorf("%w: the content of a whiteout, of which there is only the mark", ErrLost)
	}
	return fmt.Errorf("%w: %v", ErrMissing, err) //nolint:errorlint // see ErrMissing
}

func checkSize(want, have int64) error {
	if want == have {
		return nil
	}
	return fmt.Errorf("%w: the tar has %d bytes, the file %d", ErrSize, want, have)
}
