// Package extract writes the root filesystem of an image into a directory, or as one
// flat tar.
//
//	layers, err := image.Layers()
//	report, err := extract.Dir(ctx, layers, "rootfs", extract.Options{})
//
// Everything starts from the merged tree of the layers' headers (package merge), so only
// what survives is made, each file once, and no file that a higher layer hides is opened.
// Metadata are those of the headers: type, mode, owner, times to the nanosecond,
// attributes, links, devices. The disk knows less (docs/FORMAT.md, "What the disk does
// not keep"); it is asked for content, and for directories that no header names.
//
// # Content
//
// On file systems that can share blocks between files (btrfs, XFS with reflink) the
// files of [Dir] share those of the store: they take no space and no time to copy, and
// writing to one gives it blocks of its own. Nothing is ever hard-linked to the store's
// files: that would write their inodes.
//
// # Containers
//
// The layers of a container give what it shows at present. Its own layer is not told by a
// tar but by its files, which may change while they are read: one that is gone, or has
// another size, when its content is wanted is an error that matches [cstor.ErrChanged].
// Reading again, or pausing the container, helps.
//
// # Confinement
//
// Every name is made below the descriptor of its directory, which was made here in the
// same way, with O_EXCL and O_NOFOLLOW: nothing is followed, overwritten, or written
// outside the destination, whatever an image contains. Until all is done nobody but the
// user who extracts can enter the destination. After an error what was made is removed,
// unless Options.KeepPartial says otherwise, and of what is there nothing else.
//
// # Goroutines
//
// Both calls block until they are done and use several cores; all goroutines have ended
// when they return. A directory is filled by one goroutine, or by several if it is large,
// then gets its own metadata. Memory does not depend on the size of files; the merged
// tree takes some 100 bytes an entry.
package extract
