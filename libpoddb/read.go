package libpoddb

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/cstor-go/cstor"
)

// Options of [Read]. The zero value has the defaults.
type Options struct {
	// Wait is how long to wait for a writer to let go; 0 means 5 seconds. Podman holds
	// the database for some milliseconds at a time.
	Wait time.Duration
}

const (
	defaultWait = 5 * time.Second
	// maxFile is how many bytes the database, or its journal, may have. Ten thousand
	// containers have some 100 MB.
	maxFile = 256 << 20
	// maxTime is how long the queries of one database may take.
	maxTime = 30 * time.Second
)

// places are where podman keeps its databases below a state directory. A static_dir in
// containers.conf may put db.sql elsewhere (podman libpod/sqlite_state_internal.go:
// sqliteStatePath, v5.8); of that only the usual place is known, below the graph root.
// Podman takes db.sql if both are there (libpod/runtime.go:getDBState).
var places = []string{"db.sql", "libpod/db.sql"}

const boltPlace = "libpod/bolt_state.db"

// Read reads the databases of the stores of s: one of each configuration that has one,
// in lookup order. Those that could be read are returned also beside an error, which
// then has an [*Error] for each other (see [errors.Join]); it is for a warning, since
// the lists of the store say all but what podman alone knows.
//
// The error matches [ErrLocked], [ErrBusy], [ErrCorrupt], [ErrTooLarge], [ErrSchema],
// [ErrBolt], [fs.ErrClosed] for a closed s, or what the system or ctx said.
func Read(ctx context.Context, s *cstor.Storage, opts Options) ([]*Database, error) {
	if opts.Wait == 0 {
		opts.Wait = defaultWait
	}
	dirs, err := s.StateDirs()
	if err != nil {
		return nil, err
	}
	var all []*Database
	var errs []error
	for _, dir := range dirs {
		db, err := readOne(ctx, dir, opts)
		if err != nil {
			errs = append(errs, err)
		} else if db != nil {
			all = append(all, db)
		}
	}
	return all, errors.Join(errs...)
}

// readOne returns nil if the directory has no database.
func readOne(ctx context.Context, dir cstor.StateDir, opts Options) (*Database, error) {
	for _, name := range places {
		image, size, err := snapshot(ctx, dir, name, opts.Wait)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		path := dir.Path() + "/" + name
		var db *Database
		if err == nil {
			db, err = query(ctx, image, size)
		}
		if err != nil {
			return nil, &Error{Store: dir.Store(), File: path, Err: err}
		}
		db.Store, db.User, db.File = dir.Store(), dir.User(), path
		return db, nil
	}
	// Only whether it is there counts.
	err := dir.Use(boltPlace, func(*os.File) error { return ErrBolt })
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return nil, &Error{Store: dir.Store(), File: dir.Path() + "/" + boltPlace, Err: err}
}
