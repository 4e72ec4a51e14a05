// Package poddb makes databases as podman makes them, for tests and examples: the tables of
// podman (libpod/sqlite_state_internal.go:createSQLiteTables, v5.8) with the rows that a
// test gives, written by SQLite itself.
package poddb

import (
	"database/sql"
	"encoding/json"
	"errors"
	"net/url"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// DB is what a database holds. It can be read from JSON.
type DB struct {
	// SchemaVersion is 1 if it is 0.
	SchemaVersion int
	// GraphRoot, RunRoot and TmpDir are directories that podman would note; RunRoot and
	// TmpDir have defaults.
	GraphRoot, RunRoot, TmpDir string

	Containers, Pods, Volumes []Row
}

// Row is a container, pod or volume: Config and State are the JSON texts of its two rows;
// of an empty one it is "{}". Pod, Volumes and Infra are of what its kind has in columns.
type Row struct {
	ID, Name      string
	Pod           string   // id of a container's pod
	Volumes       []string // names of those that a container uses
	Infra         string   // id of a pod's infra container
	Config, State json.RawMessage
}

// Schema makes the tables: their columns, keys and checks are podman's.
const Schema = `
CREATE TABLE DBConfig (ID INTEGER PRIMARY KEY NOT NULL, SchemaVersion INTEGER NOT NULL, OS TEXT NOT NULL, StaticDir TEXT NOT NULL,
	TmpDir TEXT NOT NULL, GraphRoot TEXT NOT NULL, RunRoot TEXT NOT NULL, GraphDriver TEXT NOT NULL, VolumeDir TEXT NOT NULL, CHECK (ID IN (1)));
CREATE TABLE IDNamespace (ID TEXT PRIMARY KEY NOT NULL);
CREATE TABLE ContainerConfig (ID TEXT PRIMARY KEY NOT NULL, Name TEXT UNIQUE NOT NULL, PodID TEXT, JSON TEXT NOT NULL);
CREATE TABLE ContainerState (ID TEXT PRIMARY KEY NOT NULL, State INTEGER NOT NULL, ExitCode INTEGER, JSON TEXT NOT NULL, CHECK (ExitCode BETWEEN -1 AND 255));
CREATE TABLE ContainerVolume (ContainerID TEXT NOT NULL, VolumeName TEXT NOT NULL, PRIMARY KEY (ContainerID, VolumeName));
CREATE TABLE PodConfig (ID TEXT PRIMARY KEY NOT NULL, Name TEXT UNIQUE NOT NULL, JSON TEXT NOT NULL);
CREATE TABLE PodState (ID TEXT PRIMARY KEY NOT NULL, InfraContainerID TEXT, JSON TEXT NOT NULL);
CREATE TABLE VolumeConfig (Name TEXT PRIMARY KEY NOT NULL, StorageID TEXT, JSON TEXT NOT NULL);
CREATE TABLE VolumeState (Name TEXT PRIMARY KEY NOT NULL, JSON TEXT NOT NULL);
`

// Open opens a database to be written by SQLite.
func Open(file string) (*sql.DB, error) {
	return sql.Open("sqlite", (&url.URL{Scheme: "file", Path: file}).String())
}

// Write makes the database file, which must not exist.
func Write(file string, d DB) (err error) {
	db, err := Open(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	if err := fill(tx, filepath.Dir(file), d); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func fill(tx *sql.Tx, dir string, d DB) error {
	var err error
	do := func(query string, args ...any) {
		if err == nil {
			_, err = tx.Exec(query, args...)
		}
	}
	or := func(text, other string) string {
		if text == "" {
			return other
		}
		return text
	}
	root := or(d.GraphRoot, dir)
	do(Schema)
	do("INSERT INTO DBConfig VALUES (1, ?, 'linux', ?, ?, ?, ?, 'overlay', ?)", max(d.SchemaVersion, 1), root+"/libpod", or(d.TmpDir, "/run/libpod"),
		root, or(d.RunRoot, "/run/containers/storage"), root+"/volumes")
	for _, c := range d.Containers {
		do("INSERT INTO IDNamespace VALUES (?)", c.ID)
		do("INSERT INTO ContainerConfig VALUES (?, ?, nullif(?, ''), ?)", c.ID, c.Name, c.Pod, text(c.Config))
		// The two columns are written once, when the container is made.
		do("INSERT INTO ContainerState VALUES (?, 1, 0, ?)", c.ID, text(c.State))
		for _, volume := range c.Volumes {
			do("INSERT INTO ContainerVolume VALUES (?, ?)", c.ID, volume)
		}
	}
	for _, p := range d.Pods {
		do("INSERT INTO IDNamespace VALUES (?)", p.ID)
		do("INSERT INTO PodConfig VALUES (?, ?, ?)", p.ID, p.Name, text(p.Config))
		do("INSERT INTO PodState VALUES (?, nullif(?, ''), ?)", p.ID, p.Infra, text(p.State))
	}
	for _, v := range d.Volumes {
		do("INSERT INTO VolumeConfig VALUES (?, NULL, ?)", v.Name, text(v.Config))
		do("INSERT INTO VolumeState VALUES (?, ?)", v.Name, text(v.State))
	}
	return err
}

// text is a JSON text as podman stores it: as bytes, in a column of text.
func text(raw json.RawMessage) []byte {
	if len(raw) == 0 {
		return []byte("{}")
	}
	return raw
}
