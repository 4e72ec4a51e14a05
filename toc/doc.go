// Package toc reads the tables of contents that lazily pulled layers carry, and writes
// such tables of any layer or image.
//
// A table of contents lists the entries of a layer tar with their metadata and the
// digest of each file's content, as JSON. Two writers use nearly the same form:
// eStargz (containerd/stargz-snapshotter estargz/types.go:JTOC, TOCEntry) and
// zstd:chunked (container-libs storage/pkg/chunked/internal/minimal/compression.go:
// TOC, FileMetadata). containers-storage keeps either of them, uncompressed, as the
// layer's big data item "zstd-chunked-manifest". For a flat composefs layer it is
// the only record of names and metadata that can be read without mounting.
//
// A table is untrusted input: [Decode] streams it, limits the number of entries (not
// their length), and hands out names, sizes and digests as they stand there. Whoever uses them to
// open something has to check them.
//
// [From] makes entries of a tar's, [Digests] adds the digests of their content, and
// [Encode] writes a table in eStargz's form, entry by entry.
//
// Offsets into the compressed blob are neither read nor written: a store does not keep
// the blob.
package toc
