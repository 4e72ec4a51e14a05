// Package imagefs shows the merged tree of an image as an [io/fs.FS], without mounting
// it.
//
//	layers, err := image.Layers()
//	fsys, err := imagefs.New(layers, imagefs.Options{})
//	b, err := fs.ReadFile(fsys, "etc/os-release")
//
// A name is looked up in the layers' own files, from the top layer down, honouring
// whiteouts and opaque directories at every component, as the kernel's overlay does.
// That takes a few system calls for each layer and opens nothing else, however large
// the image is; no tar-split is read, except where a layer's marks of opaque
// directories cannot be seen (root's stores, read by others): there the layer's tar says
// where they are, once. Symbolic links are resolved inside the image, at most 40 in one
// lookup. Devices, sockets and FIFOs are shown and never opened.
//
// The layers of a container show it as it is at the moment of each call. Directories that
// overlay has renamed there, and files of which it has copied the metadata only, are
// followed into the layers below (driver.Descend); a mark that the kernel would refuse
// is an error that matches driver.ErrRedirect, and a file whose content no layer has one
// that matches driver.ErrMetacopy.
//
// What Stat tells is what the disk has, with owners as a container sees them. It differs
// from what the tars said in a few things (docs/FORMAT.md, "What the disk does not
// keep"); package merge goes by the tars' headers.
//
// # What io/fs cannot name
//
// An [io/fs.FS] takes names that are UTF-8, relative and clean. Directories list other
// names as they are, and [FS.OpenFile] and [FS.Lookup] take any bytes.
//
// # Drivers
//
// Overlay layers, native or of fuse-overlayfs, and flat composefs layers are merged
// here. Layers of the vfs driver are whole trees: the top one is shown. A single vfs
// layer that has a parent is shown by its tar's headers, since its own part of its
// tree is told nowhere else.
package imagefs
