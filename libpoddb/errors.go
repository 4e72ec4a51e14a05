package libpoddb

import (
	"errors"
	"fmt"
)

// Errors about one database; they come wrapped in an [*Error].
var (
	// ErrLocked: a writer held the database for longer than Options.Wait.
	ErrLocked = errors.New("a writer holds the database; try again")
	// ErrBusy: the database was changed each time it was copied.
	ErrBusy = errors.New("the database changes faster than it can be copied; try again")
	// ErrCorrupt: the file is no SQLite database, or a damaged one.
	ErrCorrupt = errors.New("the database is damaged")
	// ErrTooLarge: the file, or what it holds, exceeds a limit.
	ErrTooLarge = errors.New("the database is too large")
	// ErrSchema: it is of a version of podman's tables that is not known here.
	ErrSchema = errors.New("the database has a form that is not known")
	// ErrBolt: podman keeps this store's containers in a BoltDB, as it did by default
	// before version 4.8. That is not read.
	ErrBolt = errors.New("podman's database is a BoltDB, which is not read")
)

// Error says which database could not be read, and why.
type Error struct {
	Store string // the root of the store that it belongs to
	File  string // its path, for messages
	Err   error
}

func (e *Error) Error() string { return fmt.Sprintf("podman's database %s: %v", e.File, e.Err) }

func (e *Error) Unwrap() error { return e.Err }
