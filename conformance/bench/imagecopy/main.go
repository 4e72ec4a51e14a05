// Command imagecopy copies an image by the call that skopeo copy makes, copy.Image of
// go.podman.io/image, from a store to an OCI layout.
//
//	imagecopy COMPRESSION [overlay@ROOT+RUNROOT]IMAGE DIR:REF
//
// COMPRESSION is none, gzip or zstd, as by skopeo's --dest-oci-accept-uncompressed-layers
// and --dest-compress-format. It is a program of its own so that its memory does not count
// as that of others, and because not every machine has a new skopeo.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"go.podman.io/image/v5/copy"
	"go.podman.io/image/v5/oci/layout"
	"go.podman.io/image/v5/pkg/compression"
	"go.podman.io/image/v5/signature"
	"go.podman.io/image/v5/storage"
	"go.podman.io/image/v5/types"
	"go.podman.io/storage/pkg/reexec"
)

func main() {
	if reexec.Init() {
		return
	}
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: imagecopy COMPRESSION [overlay@ROOT+RUNROOT]IMAGE DIR:REF")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "imagecopy:", err)
		os.Exit(1)
	}
}

func run(format, from, to string) (err error) {
	src, err := storage.Transport.ParseReference(from)
	if err != nil {
		return err
	}
	dest, err := layout.ParseReference(to)
	if err != nil {
		return err
	}
	policy, err := signature.NewPolicyContext(&signature.Policy{
		Default: signature.PolicyRequirements{signature.NewPRInsecureAcceptAnything()},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, policy.Destroy()) }()
	ctx := &types.SystemContext{}
	opts := &copy.Options{SourceCtx: &types.SystemContext{}, DestinationCtx: ctx}
	if format == "none" {
		ctx.OCIAcceptUncompressedLayers = true
	} else {
		algorithm, err := compression.AlgorithmByName(format)
		if err != nil {
			return err
		}
		ctx.CompressionFormat = &algorithm
		opts.ForceCompressionFormat = true
	}
	_, err = copy.Image(context.Background(), policy, dest, src, opts)
	return err
}
