// Package tarhead reads the headers of a tar: v7, ustar, PAX, GNU and star.
//
// It reads no content. A [Reader] is fed the run of a tar's bytes, in pieces of any
// length, and gives one [Header] after the other, with the extensions before it
// applied: PAX records, GNU long names, GNU sparse maps. Where content stands, the
// caller may leave it out of the run and say so. That is what a tar-split recipe
// needs, which archive/tar, a reader of whole streams, cannot read.
//
// What is a header, where its content ends and what a field means is decided as
// archive/tar decides it, since the writers of tar-split files read layers with a
// fork of that package (vbatts/tar-split archive/tar/reader.go): what the fork
// accepts is accepted here, with the same result. Three habits of it may surprise.
// A PAX global header voids extensions that stand before it. A GNU long name beats a
// PAX path. And where it ignores what global headers say, as containers-storage does
// (container-libs storage/pkg/archive/archive.go:extractTarFileEntry), this package
// follows POSIX: owners, times and attributes of global headers are applied, which
// changes nothing about names and sizes.
//
// Input is untrusted. An extension is at most 1 MiB long, global headers are 4 MiB
// together, with 4 KiB of attributes that count at a time, and memory is taken for
// bytes that came, never for bytes that were announced. Strings are byte-exact.
package tarhead
