package ondisk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// MaxRecords is how many records one file may hold: two hundred times the
// largest store that we have heard of, and few enough that the records of a
// hostile file fit in memory.
const MaxRecords = 1 << 20

// ErrID is matched by the errors about ids that cannot name a directory entry.
var ErrID = errors.New("not a file name")

// FormatError says that a record file is not what its writers write.
type FormatError struct {
	Offset int64 // bytes from the start of the file; -1 if not known
	Record int   // counts from 0; -1 before the first
	Err    error
}

func (e *FormatError) Error() string {
	var at []string
	if e.Record >= 0 {
		at = append(at, fmt.Sprintf("record %d", e.Record))
	}
	if e.Offset >= 0 {
		at = append(at, fmt.Sprintf("byte %d", e.Offset))
	}
	if len(at) == 0 {
		return e.Err.Error()
	}
	return strings.Join(at, ", ") + ": " + e.Err.Error()
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

// decode reads a JSON array record by record, so that a file is refused before
// more than MaxRecords of its records are in memory. ids gives the ids of a record
// that will be used as file names: the first, its own, must be there.
func decode[T any](data []byte, ids func(*T) []string) ([]T, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	bad := func(record int, err error) error {
		if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
			return &FormatError{Offset: syntax.Offset, Record: record, Err: err}
		}
		return &FormatError{Offset: dec.InputOffset(), Record: record, Err: err}
	}
	switch start, err := dec.Token(); {
	case err != nil:
		return nil, bad(-1, err)
	case start == nil: // JSON null, what Go writes for a nil list
		return nil, trailing(dec, bad)
	case start != json.Delim('['):
		return nil, bad(-1, fmt.Errorf("a list was expected, not %T", start))
	}
	var all []T
	for dec.More() {
		if len(all) == MaxRecords {
			return nil, bad(len(all), fmt.Errorf("more than %d records", MaxRecords))
		}
		var one T
		if err := dec.Decode(&one); err != nil {
			return nil, bad(len(all), err)
		}
		for n, id := range ids(&one) {
			if n > 0 && id == "" {
				continue
			}
			if err := CheckID(id); err != nil {
				return nil, bad(len(all), err)
			}
		}
		all = append(all, one)
	}
	if _, err := dec.Token(); err != nil {
		return nil, bad(-1, err)
	}
	return all, trailing(dec, bad)
}

func trailing(dec *json.Decoder, bad func(int, error) error) error {
	if dec.More() {
		return bad(-1, errors.New("data after the list"))
	}
	return nil
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
