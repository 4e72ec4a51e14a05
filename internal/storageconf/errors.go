package storageconf

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Causes found in a [*SourceError].
var (
	// ErrRelative is a path that must be absolute and is not.
	ErrRelative = errors.New("path is not absolute")
	// ErrControl is a path with a NUL or newline byte.
	ErrControl = errors.New("path holds a NUL or newline byte")
	// ErrTooLarge is a file, or a directory of drop-ins, over this package's limits.
	ErrTooLarge = errors.New("too large")
	// ErrTooComplex is a storage.conf whose nesting would take the TOML parser
	// an unreasonable time.
	ErrTooComplex = errors.New("too deeply nested or dotted")
	// ErrSyntax is a driver option that cannot be understood, or a key spelt in
	// two ways. Any other fault in a file's TOML is the parser's own error.
	ErrSyntax = errors.New("malformed")
	// ErrDriver is a driver name that cannot be one: names are made of ASCII
	// letters, digits, "-" and "_".
	ErrDriver = errors.New("not a driver name")
	// ErrNoHome means that a per-user path was needed and neither $HOME,
	// Request.Home nor the XDG variable gives one.
	ErrNoHome = errors.New("home directory is unknown")
)

// ErrNoStore is returned by [PickDriver] for a graph root without a store. It
// matches [fs.ErrNotExist].
var ErrNoStore error = noStoreError{}

type noStoreError struct{}

func (noStoreError) Error() string        { return "holds no store" }
func (noStoreError) Is(target error) bool { return target == fs.ErrNotExist }

// SourceError is a fault in a file, a variable or a flag. A file that must
// exist and does not matches [fs.ErrNotExist].
type SourceError struct {
	Source string // path of a file, "$NAME" of a variable, "--name" for a field of Request; "" if unknown
	Line   int    // 1-based; 0 if the fault belongs to no line
	Key    string // dotted key, such as storage.graphroot; "" if none
	Value  string // the offending value; "" if it says nothing
	Err    error
}

// Error names what is known of the place.
func (e *SourceError) Error() string {
	var parts []string
	if e.Source != "" {
		parts = append(parts, quoteSource(e.Source))
	}
	if e.Line > 0 {
		parts = append(parts, fmt.Sprintf("line %d", e.Line))
	}
	if e.Key != "" {
		parts = append(parts, e.Key)
	}
	if e.Value != "" {
		parts = append(parts, quote(e.Value))
	}
	return strings.Join(append(parts, e.Err.Error()), ": ")
}

// Unwrap returns the cause.
func (e *SourceError) Unwrap() error { return e.Err }

// AmbiguousDriverError is returned by [PickDriver] when several drivers have a
// store in one graph root and the configuration names none of them.
type AmbiguousDriverError struct {
	Root    string   // graph root
	Drivers []string // candidates, at least two, in the library's order of preference
}

// Error names the graph root and the candidates.
func (e *AmbiguousDriverError) Error() string {
	return fmt.Sprintf("graph root %q holds stores of several drivers: %s", e.Root, strings.Join(e.Drivers, ", "))
}

// maxShown is the length in bytes at which quoted values are cut.
const maxShown = 200

// cause strips what repeats a path that the SourceError names.
func cause(err error) error {
	if pe, ok := err.(*fs.PathError); ok { //nolint:errorlint // only the outermost is stripped
		return pe.Err
	}
	return err
}

// quote is %q with a limit, for values that an attacker may have made long.
func quote(s string) string {
	if len(s) > maxShown {
		return fmt.Sprintf("%q…", s[:maxShown])
	}
	return fmt.Sprintf("%q", s)
}

// quoteSource leaves the names of variables and flags bare.
func quoteSource(s string) string {
	if strings.HasPrefix(s, "$") || strings.HasPrefix(s, "--") {
		return s
	}
	return quote(s)
}
