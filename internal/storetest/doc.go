// Package storetest builds real containers-storage stores on disk, without
// podman, as root or as an ordinary user. Tests, examples, the demo and the
// benchmarks read what it writes; so can podman, buildah and skopeo.
//
// A store is described by lines of text, because git can hold neither
// whiteouts nor owners nor extended attributes, and because a test should show
// what it uses:
//
//	layer base
//	  dir  etc 0755
//	  file etc/hostname 0644 "box\n"
//	layer app parent=base compression=gzip
//	  whiteout etc/hostname
//	image localhost/box:1 layer=app
//	container work image=localhost/box:1
//
// [Parse] documents the language. The same can be said in Go with [Spec],
// [Layer] and [Entry], and things that only Go can express (raw tar bytes,
// an edit of a record by a function) are fields and [Fault] values there.
//
// Building goes one way: the entries of a layer become a tar; the tar is taken
// apart again into its tar-split, its diff id, and the files on disk, exactly
// as a pull would do. So a foreign tar can be stored as well (Layer.Tar), and
// nothing recorded can disagree with the bytes unless a Fault makes it so.
// The same spec always gives the same ids, tars and records.
//
// Limits: a layer's tar is held in memory; the recorded digest of a compressed
// blob is made up, since a store does not keep the blob; composefs.blob is a
// stub, not an EROFS image, so only readers that go through the table of
// contents can read a flat layer. No files of podman itself (db.sql) are made.
package storetest
