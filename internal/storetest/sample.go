package storetest

import _ "embed"

// Sample is the spec of a store as one meets it: images that share layers, an
// index, a container, whiteouts, an opaque directory, links of all kinds, long
// and odd names, attributes, devices, different owners. The reference's own
// check finds nothing wrong with it.
//
//go:embed testdata/sample.store
var Sample string

// Quirks is the spec of a store whose layers are legal and unusual: absolute
// and unclean names, folders without entries, global headers, bytes after the
// end, empty layers.
//
//go:embed testdata/quirks.store
var Quirks string
