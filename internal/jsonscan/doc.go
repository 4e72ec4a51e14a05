// Package jsonscan reads JSON whose shape is known, in one pass and without
// reflection.
//
// Two things that cstor reads are JSON in bulk: the lists of a store (megabytes, on
// every start of a command) and tar-split (two lines for each file of a layer).
// There encoding/json is most of the time that is spent; this package is three to
// five times as fast on them. For all other JSON, encoding/json is used.
//
// A [Cursor] walks over a text that is in memory: the caller says what it expects
// next. It accepts what encoding/json accepts and no more (RFC 8259, values up to
// [MaxDepth] deep), but it matches keys exactly. Strings with escapes, or with bytes
// that are not UTF-8, are handed to encoding/json, so that they come out the same.
package jsonscan
