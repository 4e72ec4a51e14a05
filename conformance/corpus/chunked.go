package corpus

import (
	"context"
	"path/filepath"

	"go.podman.io/image/v5/copy"
	"go.podman.io/image/v5/oci/layout"
	"go.podman.io/image/v5/pkg/compression"
	"go.podman.io/image/v5/signature"
	"go.podman.io/image/v5/types"
)

// writeChunked copies images of dir/oci into the layout dir/chunked with their layers compressed as zstd:chunked.
func writeChunked(ctx context.Context, dir string) error {
	for _, ref := range []string{"gzip", "empty"} {
		src, err := layout.NewReference(filepath.Join(dir, "oci"), ref)
		if err != nil {
			return err
		}
		dst, err := layout.NewReference(filepath.Join(dir, "chunked"), ref)
		if err != nil {
			return err
		}
		err = copyImage(ctx, dst, src, &copy.Options{
			DestinationCtx:         &types.SystemContext{CompressionFormat: &compression.ZstdChunked},
			ForceCompressionFormat: true,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// copyImage copies one image and asks for no signatures.
func copyImage(ctx context.Context, dst, src types.ImageReference, opts *copy.Options) error {
	policy, err := signature.NewPolicyContext(&signature.Policy{
		Default: signature.PolicyRequirements{signature.NewPRInsecureAcceptAnything()},
	})
	if err != nil {
		return err
	}
	defer func() { _ = policy.Destroy() }() // it holds no files
	_, err = copy.Image(ctx, policy, dst, src, opts)
	return err
}
