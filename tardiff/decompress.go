package tardiff

import (
	"errors"
	"fmt"
	"io"

	"github.com/cstor-go/cstor/internal/decompress"
)

// MaxWindow is how large the window of a zstd frame may be, in bytes: the memory that
// it takes to read it. It is as much as the program zstd allows by default.
const MaxWindow = decompress.MaxWindow

// Decompress recognises a stream by its first bytes, and returns a reader of what was
// compressed, and the name of the compression: "gzip" (of several members also), "zstd"
// (several frames, skippable ones too), "bzip2", or "" for anything else, which is r
// itself if r can go back to its beginning. What it knows and cannot read, xz, is an
// error that matches errors.ErrUnsupported. Zstd frames with a window of more than
// MaxWindow are errors that match ErrLimit, when they are read.
//
// It reads r no further than it has to, in the caller's goroutine, and nothing has to
// be closed.
func Decompress(r io.Reader) (plain io.Reader, compression string, err error) {
	plain, compression, err = decompress.NewReader(r)
	switch {
	case err != nil:
		return nil, "", limit(err)
	case compression == "none":
		return plain, "", nil
	}
	return limited{plain}, compression, nil
}

// limited tells of windows that are too large.
type limited struct{ io.Reader }

func (l limited) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	return n, limit(err)
}

func limit(err error) error {
	if errors.Is(err, decompress.ErrWindow) {
		err = fmt.Errorf("%w: %w", ErrLimit, err)
	}
	return err
}
