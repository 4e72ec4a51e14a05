// Package registry copies stored images into registries, over the OCI distribution
// protocol. It is apart from package ocicopy because it alone brings a client along.
//
// A [Repository] is one tag in one registry, opened with the credentials and certificates
// that podman, buildah and skopeo would use for it ([Options]), and a destination of
// [ocicopy.Copy]:
//
//	repo, err := registry.Open(ctx, "quay.io/me/app:1", registry.Options{})
//	if err != nil {
//		return err
//	}
//	_, err = ocicopy.Copy(ctx, []ocicopy.Image{{Image: image}}, repo, ocicopy.Options{
//		Source: ocisource.Options{Compression: ocisource.Gzip},
//	})
//
// Blobs that the repository has are not sent again, and those that another repository of
// the registry has are mounted from there. The manifest comes last, so that a tag never
// names what is incomplete, and a copy that was interrupted can be made again: what arrived
// whole is not sent a second time. Whether the registry takes anything at all is asked
// first, before layers are compressed for nothing.
//
// A registry is a stranger: its answers are bounded in length and time, digests in them
// are compared, and credentials go to the host that they are for, to the token server that
// it names, and nowhere else (oras-go's rules). A request that fails for a reason that may
// pass is made again a few times; a blob is then read again from its start. A layer that
// turns out to be wrong while it is sent is never sent in full.
//
// The file registries.conf does not count: there are no mirrors, aliases or search lists.
package registry
