package ondisk

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cstor-go/cstor/internal/jsonscan"
)

// Limits of one file: far above any store that we have heard of, and low enough that
// what a hostile file holds fits in memory, which takes up to fifty times a record's
// shortest text.
const (
	MaxRecords = 1 << 18
	// MaxItems is how many names, keys and the like all records of a file may have,
	// and MaxOdd how long in bytes the text of a rare field may be.
	MaxItems = 1 << 20
	MaxOdd   = 1 << 20
)

// ErrID is matched by the errors about ids that cannot name a directory entry.
var ErrID = errors.New("not a file name")

// FormatError says that a record file is not what its writers write.
type FormatError struct {
	Offset int64 // bytes from the start of the file
	Record int   // counts from 0; -1 if it is in none
	Err    error
}

func (e *FormatError) Error() string {
	at := fmt.Sprintf("byte %d", e.Offset)
	if e.Record >= 0 {
		at = fmt.Sprintf("record %d, %s", e.Record, at)
	}
	return at + ": " + e.Err.Error()
}

func (e *FormatError) Unwrap() error { return e.Err }

// Layers decodes a layer file. Empty data is an empty list, as it is for the
// writers (container-libs storage/layers.go:load). Errors are a [*FormatError].
func Layers(data []byte) ([]Layer, error) {
	return decode(data, func(l *Layer) []string { return []string{l.ID, l.Parent} })
}

// Images decodes images.json; otherwise as [Layers].
func Images(data []byte) ([]Image, error) {
	return decode(data, func(i *Image) []string {
		return append([]string{i.ID, i.TopLayer}, i.MappedTopLayers...)
	})
}

// Containers decodes a container file; otherwise as [Layers].
func Containers(data []byte) ([]Container, error) {
	return decode(data, func(c *Container) []string { return []string{c.ID, c.Image, c.Layer} })
}

// record reads one field of itself.
type record[T any] interface {
	*T
	field(key []byte, c *reader) error
}

// decode reads a JSON array record by record, so that a file is refused before
// more than MaxRecords of its records are in memory. ids gives the ids of a record
// that will be used as file names: the first, its own, must be there.
func decode[T any, R record[T]](data []byte, ids func(*T) []string) ([]T, error) {
	c := reader{Cursor: jsonscan.New(data)}
	if c.End() == nil {
		return nil, nil // an empty file
	}
	var all []T
	n := -1 // the record that is read
	one := func() error {
		if n++; n == MaxRecords {
			return fmt.Errorf("more than %d records", MaxRecords)
		}
		var v T
		if err := c.Object(func(key []byte) error { return R(&v).field(key, &c) }); err != nil {
			return err
		}
		for n, id := range ids(&v) {
			if n > 0 && id == "" {
				continue
			}
			if err := CheckID(id); err != nil {
				return err
			}
		}
		all = append(all, v)
		return nil
	}
	var err error
	if !c.Null() { // null is what Go writes for a nil list
		err = c.Array(one)
	}
	if err == nil {
		n = -1
		err = c.End()
	}
	if err != nil {
		return nil, &FormatError{Offset: int64(c.Offset()), Record: n, Err: err}
	}
	return all, nil
}

// CheckID returns an error that matches [ErrID] unless id can be the name of one
// directory entry: not empty, not "." or "..", without "/" or NUL, at most 255
// bytes.
func CheckID(id string) error {
	if id == "" || id == "." || id == ".." || len(id) > 255 || strings.ContainsAny(id, "/\x00") {
		if len(id) > 80 {
			id = id[:80] + "…"
		}
		return fmt.Errorf("id %q: %w", id, ErrID)
	}
	return nil
}
