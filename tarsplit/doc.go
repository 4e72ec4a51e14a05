// Package tarsplit rebuilds layer tars from tar-split files, bit for bit.
//
// When containers-storage unpacks a layer it throws the tar away and keeps a
// recipe beside the files: every byte of the tar that is not file content
// (headers, padding, end blocks), and, where content stood, the name under which
// the file now lies. The recipe is a gzip stream of JSON texts, one per line, each
// either a segment (bytes to copy) or an entry (a name and a size). See
// docs/FORMAT.md, "tar-split", and github.com/vbatts/tar-split tar/storage, which
// writes it.
//
// The package sees a layer tar as a list of extents: inline bytes from the recipe,
// or a piece of one file, which is all of it unless it is sparse. There is one walker
// over the extents of recipes, and everything is derived from it. [Reader] is the tar as
// a stream: either bytes (Read, and Copy on several cores), or piece by piece (Next),
// where file content leaves as an open descriptor. [ReaderAt] is the tar for reading at
// any place, over a small index in memory. [Entries] are the headers, for which no file
// is opened. Where there is no recipe, a Reader can have a tar that is there as it was
// ([NewPlainReader]), or a new one of the same content ([Make]).
//
// It knows no store and opens no path: a recipe is an [io.Reader], files come from
// an [Opener]. A recipe is untrusted input. A line is read up to a limit, the work
// that a recipe may ask for without giving any byte of tar is limited, sizes are
// checked before they are believed, and a file that is not a regular file of
// exactly the promised size is an error. Every error about the recipe or a file says
// which line or which entry it is about; those of options, writers and contexts come as
// they are.
//
// Two things that a tar may have are in no store: the map of a sparse file in version
// 1.0 of GNU's PAX form, and content of whiteouts. Reading them is [ErrLost].
//
// What no reader of this format can do is to notice that a file was changed in
// place without changing its size: that takes the CRC-64 of each entry
// ([Options.CheckCRC]) or, better, the digest of the whole tar, which the store
// records and package cstor checks.
package tarsplit
