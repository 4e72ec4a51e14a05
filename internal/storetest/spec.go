package storetest

import "archive/tar"

// Spec is the content of a store, each list in order of creation. The zero
// value is an empty store.
type Spec struct {
	Layers     []Layer
	Images     []Image
	Indexes    []Index
	Containers []Container
	Faults     []Fault // done last, in order
}

// Layer describes one layer. Only Name is required.
type Layer struct {
	Name   string // how the rest of the spec calls it; not stored
	Parent string // Name of the layer below, here or in Options.Parents; "" for a base layer

	// Entries become the layer's tar, in this order.
	Entries []Entry
	// Tar, if not nil, is the layer's tar; Entries must then be empty.
	Tar []byte
	// Format of the tar made from Entries; 0 means tar.FormatPAX.
	Format tar.Format
	// NoEnd omits the two zero blocks at the end of the tar; Tail is appended
	// after them.
	NoEnd bool
	Tail  string

	ID    string   // "" derives it as a pull does
	Names []string // recorded names; image layers have none in real stores

	// Compression of the blob as it was pulled, recorded only: "" or "none",
	// "bzip2", "gzip", "xz", "zstd".
	Compression string
	// Chunked makes a layer as after a partial pull of zstd:chunked: it has a
	// table of contents as big data, and devices and FIFOs are not on disk.
	Chunked bool
	// Flat is Chunked with the composefs form: diff holds objects by digest.
	Flat bool
	// ByTOC leaves out the diff id, so that the layer is identified by its
	// table of contents. It needs Chunked or Flat.
	ByTOC bool
	// Mapped names a layer of which this one is a copy for another id map
	// (0 to 100000, 65536 ids): Parent and Entries must then be empty.
	Mapped string

	// Container makes the writable layer of a container, without digests and
	// without tar-split. Set also by naming the layer in Container.Layer.
	Container  bool
	Volatile   bool // recorded in volatile-layers.json
	Incomplete bool // carries the flag of a layer that is being made or deleted
	NoTarSplit bool // the tar-split file is not written
}

// Image describes an image record with its manifest and config.
type Image struct {
	// Names as stored, for example "docker.io/library/a:1". A name that ends in
	// "@digest" gets the digest of the manifest there.
	Names []string
	// As is what the spec calls the image; "" means Names[0].
	As string
	// Layer is the top layer; "" makes an image without layers.
	Layer string
	// Mapped lists copies of the top layer with other id maps.
	Mapped []string
	Format string // "" or "oci", "docker" (schema 2)
	// Platform is os/architecture[/variant]; "" means linux/amd64.
	Platform string
	Labels   map[string]string
	Env      []string
	Cmd      []string
}

// Index describes a list of images.
type Index struct {
	Name      string
	Instances []string // names of images
	Format    string   // "" or "oci", "docker"
	// In names the image that was pulled through this index: the index is then
	// stored with that image, which also gets Name. If "", the index is an
	// image record of its own, as `podman manifest create` makes it.
	In string
}

// Container describes a container record.
type Container struct {
	Name  string
	Image string // "" for a container made from nothing
	// Layer is its writable layer; "" makes an empty one.
	Layer    string
	Volatile bool // recorded in volatile-containers.json
}
