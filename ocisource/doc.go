// Package ocisource shows a stored image as OCI content: a manifest, a configuration and
// layers, every one of which has the digest and the size that its descriptor says.
//
//	src, err := ocisource.Open(ctx, image, ocisource.Options{})
//	defer src.Close()
//	_, err = oras.Copy(ctx, src, "", memory.New(), "v1", oras.CopyOptions{})
//
// A store keeps no blobs, only unpacked files and the recipe of each layer's tar. So the
// configuration keeps its bytes, and the image its id; the layers are rebuilt; and the
// manifest is a new one, which describes these layers. It keeps the order of layers and
// all annotations that still hold.
//
// # Uncompressed
//
// Digests and sizes are in the store's records: nothing is read before somebody fetches
// it. A layer of which no verified diff id or no size is recorded is hashed first. What
// is fetched can be read at any place.
//
// # Compressed
//
// The digest of a compressed layer is known when it has been compressed, which is done
// exactly once: either by [Layer.Write] to where the blob is wanted, or, if it is fetched
// or asked for before, into a spool on disk (Options.Spool). The manifest is made when
// all layers are known.
//
// # Verification
//
// [Layer.Write] and [Layer.Prepare] check a layer against its diff id. What Fetch gives of
// uncompressed layers is not checked, as with other OCI storages: whoever reads a blob
// compares its digest, as oras-go does.
//
// Of the libraries for OCI only the types are imported: [Source] is a read-only target of
// oras-go by its methods, and thereby of everything that takes one.
package ocisource
