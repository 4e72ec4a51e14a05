// Package driver shows one layer's files as a storage driver left them on disk.
//
// containers-storage has several drivers, and a store names its folders after the
// one it uses. Three on-disk forms are read here:
//
//   - overlay: each layer's own files lie in a folder diff, names that the layer
//     deletes and directories that it replaces marked there in one of several
//     spellings ([Overlay]);
//   - vfs: each layer is a full copy of the merged tree, and carries no marks
//     ([VFS]);
//   - flat, overlay with composefs: content lies in files named by its SHA-256, and
//     names and metadata in the layer's table of contents ([Composefs]).
//
// All of them answer the same three calls, [Files], by byte name: open a regular
// file, look at a node, list a directory. Nothing else of cstor knows drivers, and
// another process may answer the calls.
//
// What is on disk is not all that the layer's tar said: see docs/FORMAT.md, "What
// the disk does not keep". Owners on disk are those of the machine, or of the namespace
// that this process is in; an ordinary user's store, and layers of containers with id
// maps, have others than the image gave. Whoever opens a layer says by [IDs] what they
// mean; flat layers need none, since their table has the image's. Names resolve inside
// the layer as they did when it was unpacked: absolute names, ".." and links stay below
// the layer's own tree, and no device or socket is ever opened; nor is a FIFO, unless
// [Reader] is asked for it as a file, which refuses it then without waiting.
package driver
