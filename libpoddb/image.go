package libpoddb

import (
	"context"
	"encoding/binary"
	"fmt"
)

const (
	headerSize = 100 // of a database file
	magic      = "SQLite format 3\x00"

	// Offsets in the header (SQLite file format, "The Database Header").
	pageSizeAt  = 16 // two bytes; 1 stands for 65536
	writeFormAt = 18 // 1: rollback journal, 2: write-ahead log
	readFormAt  = 19
)

// imageOf is a copied database with what its journal or log says, in the form of one that
// has neither. A file of no bytes is a database without tables. The bytes of c may be
// changed.
func imageOf(ctx context.Context, c copied) (image []byte, err error) {
	switch {
	case len(c.file) == 0:
		return nil, nil
	case hasLog(c.file):
		image, err = applyLog(ctx, c.file, c.log)
	default:
		image, err = rollBack(c.file, c.journal)
	}
	if err != nil {
		return nil, err
	}
	if len(image) < headerSize || string(image[:len(magic)]) != magic {
		return nil, fmt.Errorf("%w: it does not begin as one", ErrCorrupt)
	}
	if hasLog(image) {
		image[writeFormAt], image[readFormAt] = 1, 1
	}
	return image, nil
}

// hasLog reports whether a database is in the mode of write-ahead logs.
func hasLog(file []byte) bool {
	return len(file) >= headerSize && string(file[:len(magic)]) == magic && file[readFormAt] == 2
}

// pageSizeOf reads a page size from the header of a database; 0 if it is none.
func pageSizeOf(image []byte) int {
	if len(image) < headerSize {
		return 0
	}
	n := int(binary.BigEndian.Uint16(image[pageSizeAt:]))
	if n == 1 {
		n = 1 << 16
	}
	if !validPageSize(n) {
		return 0
	}
	return n
}

func validPageSize(n int) bool { return n >= 512 && n <= 1<<16 && n&(n-1) == 0 }
