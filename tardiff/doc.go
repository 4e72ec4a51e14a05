// Package tardiff says where two tar archives differ, down to the byte.
//
// [Compare] reads both as streams, once, and yields a [Difference] for whatever is
// not the same: entries that one of them lacks, entries in another order, fields of
// headers, PAX records and GNU's long names, the encoding of a field that means the
// same, content, padding, and what stands behind the last entry. If it yields nothing,
// the archives are equal byte for byte: every byte of one has been held against the
// byte of the other, which a count of its own makes sure of.
//
// An entry is compared with the one of the same name; of several with one name, the
// n-th with the n-th. As long as names come in the same order both streams are
// compared in lockstep, and memory is constant. Where the names part, entries wait
// for their twin: their headers, and a SHA-256 of their content, are kept. The two
// streams take turns in that, so that after a gap of k entries in one of them no more
// than k entries are compared by digest before the lockstep is found again; and of a
// small entry the content itself is kept for a while. What still waits in the end is
// missing or extra. An archive that can be read again ([io.ReaderAt]) needs no
// digests.
//
// Of the entries that both have, those that moved are the fewest that would have to
// be put elsewhere for the others to be in order: an inserted entry moves nothing.
//
// Memory grows with the number of entries that wait, which [Options] limits, never
// with content. Archives are untrusted: what is announced is not believed until it
// comes, and header extensions are limited. A damaged archive is an error that says
// which and where, behind the differences that were found until then.
//
// Archives are compared as they are after decompression: [Decompress] knows gzip, zstd
// and bzip2. Names are compared as they stand there: "./x" and "x" are two entries.
package tardiff
