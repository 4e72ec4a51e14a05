package toc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
)

// ErrLimit is matched when a table has more entries than allowed.
var ErrLimit = errors.New("over the limit")

// FormatError says that a table is not one.
type FormatError struct {
	Entry int // counts from 0; -1 before the first
	Err   error
}

func (e *FormatError) Error() string {
	if e.Entry < 0 {
		return fmt.Sprintf("table of contents: %v", e.Err)
	}
	return fmt.Sprintf("table of contents, entry %d: %v", e.Entry, e.Err)
}

func (e *FormatError) Unwrap() error { return e.Err }

// DecodeOptions limit [Decode]. The zero value is ready to use.
type DecodeOptions struct {
	// MaxEntries is how many entries a table may have; 0 means 4 Mi.
	MaxEntries int
}

// Decode yields the entries of a table in its order, chunks included. Keys are
// matched without regard to case, as the writers' own readers do.
//
// A pair is (entry, nil) or (nil, err), the error a [*FormatError] or that of r;
// after an error the iteration ends. Yielded entries may be kept. Ranging again
// reads on where r stands, so range once.
func Decode(r io.Reader, opts DecodeOptions) iter.Seq2[*Entry, error] {
	limit := opts.MaxEntries
	if limit == 0 {
		limit = 4 << 20
	}
	return func(yield func(*Entry, error) bool) {
		dec := json.NewDecoder(r)
		n := -1
		err := entries(dec, func() error {
			if n++; n == limit {
				return fmt.Errorf("more than %d entries: %w", limit, ErrLimit)
			}
			e := new(Entry)
			if err := dec.Decode(e); err != nil {
				return err
			}
			if !yield(e, nil) {
				return errStop
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(nil, &FormatError{Entry: n, Err: err})
		}
	}
}

var errStop = errors.New("stop")

// entries walks {"version":1,"entries":[…],…} and calls one before each entry.
func entries(dec *json.Decoder, one func() error) error {
	if err := expect(dec, json.Delim('{')); err != nil {
		return err
	}
	seen := false
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		switch k, _ := key.(string); {
		case strings.EqualFold(k, "version"):
			var v int
			if err := dec.Decode(&v); err != nil {
				return err
			}
			if v != 1 {
				return fmt.Errorf("version %d is not known", v)
			}
		case strings.EqualFold(k, "entries"):
			if seen {
				return errors.New("two lists of entries")
			}
			seen = true
			switch start, err := dec.Token(); {
			case err != nil:
				return err
			case start == nil: // what Go writes for a layer without entries
				continue
			case start != json.Delim('['):
				return fmt.Errorf("entries: a list was expected, not %v", start)
			}
			for dec.More() {
				if err := one(); err != nil {
					return err
				}
			}
			if err := expect(dec, json.Delim(']')); err != nil {
				return err
			}
		default:
			var skip json.RawMessage
			if err := dec.Decode(&skip); err != nil {
				return err
			}
		}
	}
	if err := expect(dec, json.Delim('}')); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("data after the table")
	}
	return nil
}

func expect(dec *json.Decoder, want json.Delim) error {
	got, err := dec.Token()
	switch {
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	case err != nil:
		return err
	case got != want:
		return fmt.Errorf("%q was expected, not %v", want.String(), got)
	}
	return nil
}
