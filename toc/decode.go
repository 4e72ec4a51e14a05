package toc

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
)

// ErrLimit is matched when a table has more entries than allowed.
var ErrLimit = errors.New("over the limit")

// FormatError says that a table is not one, or could not be read.
type FormatError struct {
	Entry int // counts from 0; -1 outside the list of entries
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
	// RawNames takes names and links from the keys nameRaw and linkNameRaw where there
	// are such, which [Encode] writes. It is not for the tables of a store: nobody who
	// unpacks a layer knows those keys, so that they do not say what is on disk.
	RawNames bool
}

// Decode yields the entries of a table in its order, chunks included. Keys are
// matched without regard to case, as the writers' own readers do.
//
// Memory is in proportion to the longest entry, or to what else stands in the table;
// how long that may be, whoever makes r has to say.
//
// A pair is (entry, nil) or (nil, err), the error a [*FormatError], which wraps that of
// r if it is one, unless the options are bad; after an error the iteration ends. Yielded
// entries may be kept. Ranging again reads on where r stands, so range once.
func Decode(r io.Reader, opts DecodeOptions) iter.Seq2[*Entry, error] {
	return func(yield func(*Entry, error) bool) {
		if opts.MaxEntries < 0 {
			yield(nil, errors.New("toc: a negative number in DecodeOptions"))
			return
		}
		d := decoder{Decoder: json.NewDecoder(r), at: -1, limit: cmp.Or(opts.MaxEntries, 4<<20), raw: opts.RawNames, yield: yield}
		if err := d.table(); err != nil && !errors.Is(err, errStop) {
			yield(nil, &FormatError{Entry: d.at, Err: err})
		}
	}
}

var errStop = errors.New("stop")

type decoder struct {
	*json.Decoder
	at    int // the entry that is read; -1 outside the list
	limit int
	raw   bool
	yield func(*Entry, error) bool
}

// table reads {"version":1,"entries":[…],…}.
func (d *decoder) table() error {
	if err := d.expect(json.Delim('{')); err != nil {
		return err
	}
	seen := false
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		switch k, _ := key.(string); {
		case strings.EqualFold(k, "version"):
			var v int
			if err := d.Decode(&v); err != nil {
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
			if err := d.list(); err != nil {
				return err
			}
		default:
			var skip json.RawMessage
			if err := d.Decode(&skip); err != nil {
				return err
			}
		}
	}
	if err := d.expect(json.Delim('}')); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("data after the table")
	}
	return nil
}

func (d *decoder) list() error {
	switch start, err := d.Token(); {
	case err != nil:
		return err
	case start == nil: // what Go writes for a layer without entries
		return nil
	case start != json.Delim('['):
		return fmt.Errorf("entries: a list was expected, not %v", start)
	}
	for d.More() {
		if d.at++; d.at == d.limit {
			return fmt.Errorf("more than %d entries: %w", d.limit, ErrLimit)
		}
		e, err := d.entry()
		if err != nil {
			return err
		}
		if !d.yield(e, nil) {
			return errStop
		}
	}
	if err := d.expect(json.Delim(']')); err != nil {
		return err
	}
	d.at = -1
	return nil
}

func (d *decoder) entry() (*Entry, error) {
	e := new(Entry)
	if !d.raw {
		return e, d.Decode(e)
	}
	all := struct {
		*Entry
		NameRaw     []byte `json:"nameRaw"`
		LinkNameRaw []byte `json:"linkNameRaw"`
	}{Entry: e}
	err := d.Decode(&all)
	return e, cmp.Or(err, setRaw(&e.Name, all.NameRaw), setRaw(&e.LinkName, all.LinkNameRaw))
}

// setRaw makes a string, whose bytes that are not UTF-8 were replaced, what it was.
func setRaw(s *string, raw []byte) error {
	switch {
	case raw == nil:
		return nil
	case string([]rune(string(raw))) != *s:
		return fmt.Errorf("%.100q, and raw %.100q", *s, raw)
	}
	*s = string(raw)
	return nil
}

func (d *decoder) expect(want json.Delim) error {
	got, err := d.Token()
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
