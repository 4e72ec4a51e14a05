package libpoddb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// table is a query of one of podman's tables (libpod/sqlite_state_internal.go:
// createSQLiteTables, v5.8): a key, and up to two further texts.
type table struct{ name, key, second, third string }

func (r *reader) tables(ctx context.Context) (*Database, error) {
	d := &Database{containers: map[string]*Container{}, pods: map[string]*Pod{}, volumes: map[string]*Volume{}}
	if ok, err := r.config(ctx, d); !ok || err != nil {
		return d, err
	}
	// The columns State and ExitCode of ContainerState keep what they had when the row was
	// made (seen: versions 5.4 and 5.8), so only the JSON counts.
	states, err := r.texts(ctx, table{"ContainerState", "ID", "JSON", "''"})
	if err != nil {
		return nil, err
	}
	err = r.each(ctx, table{"ContainerConfig", "ID", "Name", "JSON"}, func(id, name string, config []byte) {
		c, err := parseContainer(id, name, config, states[id])
		if d.problem(err) {
			r.items -= c.items()
			d.containers[id] = c
		}
	})
	if err != nil {
		return nil, err
	}
	if states, err = r.texts(ctx, table{"PodState", "ID", "JSON", "''"}); err != nil {
		return nil, err
	}
	err = r.each(ctx, table{"PodConfig", "ID", "Name", "JSON"}, func(id, name string, config []byte) {
		p, err := parsePod(id, name, config, states[id])
		if d.problem(err) {
			r.items -= len(p.Labels) + len(p.CreateCommand)
			d.pods[id] = p
		}
	})
	if err != nil {
		return nil, err
	}
	if states, err = r.texts(ctx, table{"VolumeState", "Name", "JSON", "''"}); err != nil {
		return nil, err
	}
	err = r.each(ctx, table{"VolumeConfig", "Name", "''", "JSON"}, func(name, _ string, config []byte) {
		v, err := parseVolume(name, config, states[name])
		if d.problem(err) {
			r.items -= len(v.Labels) + len(v.Options)
			d.volumes[name] = v
		}
	})
	if err != nil {
		return nil, err
	}
	var uses []volumeUse
	err = r.each(ctx, table{"ContainerVolume", "ContainerID", "VolumeName", "''"}, func(container, volume string, _ []byte) {
		uses = append(uses, volumeUse{container, volume})
	})
	if err != nil {
		return nil, err
	}
	d.join(uses)
	return d, nil
}

// volumeUse is a row of ContainerVolume.
type volumeUse struct{ container, volume string }

// config reads where things are, and is false for a database that podman has not
// finished making.
func (r *reader) config(ctx context.Context, d *Database) (bool, error) {
	if err := r.isTable(ctx, "DBConfig"); errors.Is(err, sql.ErrNoRows) {
		var things int
		err := r.conn.QueryRowContext(ctx, "SELECT count(*) FROM (SELECT 1 FROM sqlite_schema LIMIT 1)").Scan(&things)
		if err == nil && things > 0 {
			err = fmt.Errorf("%w: it has no table DBConfig", ErrSchema)
		}
		return false, err
	} else if err != nil {
		return false, err
	}
	c := &d.Config
	err := r.conn.QueryRowContext(ctx, "SELECT SchemaVersion, OS, StaticDir, TmpDir, GraphRoot, RunRoot, GraphDriver, VolumeDir FROM DBConfig LIMIT 1").
		Scan(&c.SchemaVersion, &c.OS, &c.StaticDir, &c.TmpDir, &c.GraphRoot, &c.RunRoot, &c.GraphDriver, &c.VolumeDir)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err == nil && c.SchemaVersion != schemaVersion {
		err = fmt.Errorf("%w: schema version %d, not %d", ErrSchema, c.SchemaVersion, schemaVersion)
	}
	return err == nil, err
}

// problem keeps an error, and is true if there is none.
func (d *Database) problem(err error) bool {
	if err != nil && len(d.Problems) < maxProblems {
		d.Problems = append(d.Problems, err)
	}
	return err == nil
}
