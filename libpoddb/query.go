package libpoddb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

const (
	schemaVersion = 1 // libpod/sqlite_state.go:schemaVersion, up to v5.8

	maxValue    = 16 << 20 // bytes of a value or row
	maxRows     = 1 << 17  // of a table
	maxProblems = 20
)

// query reads podman's tables from the image of a database whose files had size bytes.
func query(ctx context.Context, image []byte, size int) (*Database, error) {
	if len(image) == 0 { // podman is just making it
		return &Database{}, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, maxTime, fmt.Errorf("%w: queries took over %v", ErrCorrupt, maxTime))
	defer cancel()
	d, err := inMemory(ctx, image, size)
	if err == nil {
		return d, nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	return nil, wrong(err)
}

func inMemory(ctx context.Context, image []byte, size int) (*Database, error) {
	db, err := sql.Open("sqlite", ":memory:?_defensive=1")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return (&reader{conn: conn, budget: size, items: maxItems}).read(ctx, image)
}

// wrong says what an error means that is not of the context.
func wrong(err error) error {
	for _, own := range []error{ErrCorrupt, ErrTooLarge, ErrSchema} {
		if errors.Is(err, own) {
			return err
		}
	}
	failed := (*sqlite.Error)(nil)
	if !errors.As(err, &failed) { // a value is not of the type of its column
		return fmt.Errorf("%w: %w", ErrSchema, err)
	}
	switch failed.Code() & 0xff {
	case lib.SQLITE_ERROR: // there is no such column
		return fmt.Errorf("%w: %w", ErrSchema, err)
	case lib.SQLITE_TOOBIG, lib.SQLITE_NOMEM:
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}

// reader reads tables of one connection.
type reader struct {
	conn *sql.Conn
	// budget is how many bytes of text there may be still: a database that is sound has
	// no more than its files.
	budget int
	// items is how many items of lists may be kept still.
	items int
}

func (r *reader) read(ctx context.Context, image []byte) (*Database, error) {
	err := r.conn.Raw(func(driver any) error {
		return driver.(interface{ Deserialize(image []byte) error }).Deserialize(image)
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	for id, limit := range map[int]int{lib.SQLITE_LIMIT_LENGTH: maxValue, lib.SQLITE_LIMIT_SQL_LENGTH: 1 << 20, lib.SQLITE_LIMIT_ATTACHED: 0} {
		if _, err := sqlite.Limit(r.conn, id, limit); err != nil {
			return nil, err
		}
	}
	for _, pragma := range []string{"trusted_schema=OFF", "cell_size_check=ON", "query_only=ON"} {
		if _, err := r.conn.ExecContext(ctx, "PRAGMA "+pragma); err != nil {
			return nil, err
		}
	}
	return r.tables(ctx)
}

// isTable makes sure that a name is an ordinary table's, whose rows SQLite numbers: a view
// or a virtual table would run what the database says. It returns [sql.ErrNoRows] if there
// is none.
func (r *reader) isTable(ctx context.Context, name string) error {
	var kind string
	var root int64
	err := r.conn.QueryRowContext(ctx, "SELECT type, rootpage FROM sqlite_schema WHERE name = ? COLLATE NOCASE LIMIT 1", name).Scan(&kind, &root)
	if err == nil && (kind != "table" || root < 1) {
		err = fmt.Errorf("%w: %s is no ordinary table", ErrSchema, name)
	}
	if err != nil {
		return err
	}
	var shadowed int
	err = r.conn.QueryRowContext(ctx, "SELECT count(*) FROM pragma_table_xinfo(?) WHERE name = 'rowid' COLLATE NOCASE", name).Scan(&shadowed)
	if err == nil && shadowed > 0 {
		err = fmt.Errorf("%w: %s has a column rowid", ErrSchema, name)
	}
	return err
}

// each calls f with all rows of a table. Each row is a query of its own, by the number
// that SQLite gives it: so all of the work on a table whose tree is damaged ends with ctx,
// and no row comes twice.
func (r *reader) each(ctx context.Context, t table, f func(key, second string, third []byte)) error {
	if err := r.isTable(ctx, t.name); err != nil {
		if errors.Is(err, sql.ErrNoRows) {
			err = fmt.Errorf("%w: it has no table %s", ErrSchema, t.name)
		}
		return err
	}
	next, err := r.conn.PrepareContext(ctx, fmt.Sprintf("SELECT rowid, %s, %s, %s FROM %s NOT INDEXED WHERE rowid > ? ORDER BY rowid LIMIT 1",
		t.key, t.second, t.third, t.name))
	if err != nil {
		return err
	}
	defer next.Close()
	at := int64(-1 << 63)
	for n := 0; ; n++ {
		var key, second sql.NullString
		var third []byte
		err := next.QueryRowContext(ctx, at).Scan(&at, &key, &second, &third)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if r.budget -= len(key.String) + len(second.String) + len(third); r.budget < 0 {
			return fmt.Errorf("%w: it has more text than bytes", ErrCorrupt)
		}
		if n == maxRows {
			return fmt.Errorf("%w: over %d rows in %s", ErrTooLarge, maxRows, t.name)
		}
		if f(key.String, second.String, third); r.items < 0 {
			return fmt.Errorf("%w: over %d items of lists", ErrTooLarge, maxItems)
		}
	}
}

// texts are the second column of a table, by the first.
func (r *reader) texts(ctx context.Context, t table) (map[string][]byte, error) {
	all := map[string][]byte{}
	err := r.each(ctx, t, func(key, second string, _ []byte) { all[key] = []byte(second) })
	return all, err
}
