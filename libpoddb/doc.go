// Package libpoddb reads podman's database: what podman knows of containers, pods and
// volumes beyond the lists of the store.
//
// A store's own lists say which containers there are, what they are called and which
// image and layer they have. Their state, command, ports and mounts, and all of pods
// and volumes, are podman's, who keeps them in an SQLite database beside the store
// (db.sql, by default since podman 4.8). A store of buildah, skopeo or
// CRI-O has none: [Read] then returns nothing, and no error. The older BoltDB is not
// read: see [ErrBolt].
//
// The database is read while podman may be writing it. Nothing is opened for writing
// and no file is made: the file is copied into memory under SQLite's own shared lock,
// which podman respects and which is held no longer than copying takes; what a
// transaction that was broken off has left half-written is put right in the copy; and
// the copy is what is queried. What podman has not written there yet is not seen: of
// a container that has just exited, for one, podman itself asks the runtime.
//
// Everything in a database is hostile input. The size of the file, of each value, the
// number of rows and of items in lists and the time that queries take are limited; tables
// are read one by one, without an index or a view; JSON values are taken field by field.
//
// The package is apart from package cstor because SQLite comes with it, translated to
// Go (modernc.org/sqlite).
package libpoddb
