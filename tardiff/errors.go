package tardiff

import (
	"errors"
	"fmt"
	"io"
)

// ErrLimit is about an archive that asks for more memory than the options, or any
// sane tar, allow. It comes wrapped.
var ErrLimit = errors.New("over the limit")

// ArchiveError says that an archive is damaged, or could not be read: a header's
// checksum is wrong, the archive ends too early, its reader gave an error.
type ArchiveError struct {
	Archive string // "A" or "B"
	Offset  int64  // in the uncompressed archive, in bytes
	Err     error
}

func (e *ArchiveError) Error() string {
	return fmt.Sprintf("archive %s, offset %d: %v", e.Archive, e.Offset, e.Err)
}

func (e *ArchiveError) Unwrap() error { return e.Err }

// noEOF keeps an archive that ends too early from looking like one that ended.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
