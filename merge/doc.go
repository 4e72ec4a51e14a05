// Package merge tells which layer owns each path of a stack of layers. It reads the
// entries of the layers' tars and nothing else, so that a file that a higher layer hides
// is never opened, and nothing is written to be deleted again.
//
//	layers, base first                     the tree
//
//	0  etc/  etc/passwd  etc/motd  bin/sh     etc/         1
//	1  etc/  etc/passwd  etc/.wh.motd         etc/passwd   1
//	2  bin/  bin/.wh..wh..opq  bin/ash        bin/         2
//	                                          bin/ash      2
//
// [Build] unpacks each layer alone, in memory, as containers-storage does on disk
// (container-libs storage/pkg/archive/archive.go:Unpack): names are cleaned below the
// root; symbolic links of the layer are followed up to the last component; missing
// directories are made; of two entries of one name the later one counts, but a directory
// keeps what is in it under another directory's header. Then each layer is laid over
// those below it, with the result that the overlay file system shows (Linux
// Documentation/filesystems/overlayfs.rst; OCI image-spec layer.md, "Whiteouts"):
//
//   - What whiteouts hide goes from the layers below, never from the whiteouts' own
//     layer, in whatever order that has them. [Whiteout] decides which names they are.
//   - A directory over a directory merges; its header is the higher one, if that layer
//     has one for it. All else replaces what is below, which no later layer brings back.
//   - A directory that a layer deletes and has does not merge. (The overlay driver
//     forgets such a whiteout if the directory comes after it: archive.go:Unpack removes
//     the device that stood for it.) An opaque one keeps its header from below if it has
//     none of its own.
//   - A name implies its directories, and hides links and files below that are in their
//     place. So does the name of a whiteout, except in directories that the layer
//     deletes.
//   - Hard links share a file, all names alike: if the first one is hidden, the others
//     have its header. One whose target is in no entry of its layer leads to what the
//     layers below show, as in vfs layers.
//   - A character device 0:0 is a device: headers are the truth, not disks.
//
// A directory that overlay has renamed in a container's layer ([tarsplit.Entry.Redirect])
// takes along what the layers below show under its old name, with the headers that it has
// there. It is an [*EntryError] if the layers below are not given ([Options.Alone]), or no
// kernel would follow it.
//
// What could not be unpacked is an [*EntryError]: an entry in what is a file of its
// layer, a hard link to a directory or to nothing, an unknown typeflag, a loop of links,
// a path of more than 4095 bytes, or a component of more than 255.
//
// Entries are untrusted. How many there are, and how much memory their strings take, is
// limited by [Options]; time is in proportion to both. A merge takes 50 to 130 bytes for
// an entry beside names and attributes, the tree that is left 30 to 80.
//
// The package knows no store, opens no file, and looks at no disk. Nor does it tell what
// a directory without header is like on one.
package merge
