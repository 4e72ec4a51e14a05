// Package contents makes lists of what an image shows, from sources that have nothing in common: a directory, where the
// kernel or umoci laid the layers ([OnDisk]), the headers of the layers' tars as package merge has them ([OfHeaders]), and
// the view of package imagefs ([OfFiles]).
//
// A [Tree] has all that a file has: type, mode, owner, size, time, target, device, attributes, the digest of its content,
// and which names share it. [Differences] compares two, field by field. [Mount] has the kernel show the layers of a store.
//
// What may differ, and why, is the business of the tests.
package contents
