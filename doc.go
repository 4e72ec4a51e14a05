// Package cstor reads what podman, buildah and CRI-O have stored on disk: images,
// layers and containers of a containers-storage, without a daemon, without cgo,
// without podman, and without writing a byte there.
//
// # The model
//
// A [Storage] is one opened configuration: a primary store (a graph root such as
// /var/lib/containers/storage), perhaps with its images kept apart in an image
// store, and read-only additional stores, searched in that order. [Discover] finds
// it as podman would, from storage.conf, environment and defaults; [Open] takes it
// by path.
//
// A store is three lists and the files behind them. An [Image] has names, a
// manifest, a configuration, and a stack of layers. A [Layer] is what one layer tar
// was unpacked to, and the recipe for making that tar again. A [Container] is an
// image and a writable layer. Their content:
//
//   - [Image.Manifest] and [Image.Config] are the bytes as they were pulled or made;
//   - [Layer.WriteTar] gives the layer tar back, byte for byte, and checks it
//     against the diff id that the store recorded; [Layer.Tar] is the same as a
//     stream, whose file content can leave as open descriptors;
//   - [Layer.OpenFile], [Layer.Lstat] and [Layer.ReadDir] are the files that the
//     layer itself has, as they lie on disk.
//
// # Snapshots
//
// What the lists say is read once, without locks, as a consistent snapshot, and
// parsed on first use. Every Image, Layer and Container belongs to one snapshot and
// never changes; a long-lived process calls [Storage.Refresh], which costs a few
// system calls while nothing has changed. Content may vanish at any time, when
// somebody removes an image: that is an error that names the layer, never a short or
// wrong result. Locks are not taken unless [Options].Lock asks for it: a reader that holds
// one stalls every pull on the machine.
//
// # What is trusted
//
// Nothing inside a store. Files are opened below the directories of the configured stores,
// additional layer stores among them, and nowhere else, whatever names and links say; only
// regular files are opened; sizes, digests and ids are checked before they are believed;
// memory is bounded. What is trusted is the configuration: storage.conf, the environment,
// and the paths given by the caller; of a mounted system, no more than where in it its
// stores are.
//
// The values of this package are safe for concurrent use, except streams.
package cstor
