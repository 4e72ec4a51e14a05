package ocicopy

import (
	"context"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/cstor-go/cstor/ocisource"
)

// Destination is where images go. It is a plain value, which says where that is and opens
// nothing: [Layout], [OCIArchive], [DockerArchive], or another package's.
type Destination interface {
	// Begin prepares to take images, which it may look at to refuse some. The caller
	// closes the session, and commits it if all went well.
	Begin(ctx context.Context, images []Image, opts Options) (Session, error)
}

// Session takes the parts of images. Its methods but Commit and Close are called
// concurrently; those of one image in the order layers, configuration, manifest.
type Session interface {
	// PutLayer takes a layer and returns the descriptor of its blob, whose digest and
	// size it has checked; reused says that the blob was there. It calls
	// [ocisource.Layer.Write] or [ocisource.Layer.Prepare], and hands them progress,
	// which is not nil.
	PutLayer(ctx context.Context, l *ocisource.Layer, progress func(bytes int64)) (d v1.Descriptor, reused bool, err error)
	// PutConfig takes a configuration.
	PutConfig(ctx context.Context, d v1.Descriptor, raw []byte) error
	// PutManifest takes a manifest, when everything that it describes is there.
	PutManifest(ctx context.Context, m Manifest) error
	// Commit makes everything that was put to be found. It is called once, at the end.
	Commit(ctx context.Context) error
	// Close releases what the session holds, and drops what was not committed, as far
	// as the destination can. It is called after Commit too.
	Close() error
}

// Manifest is a manifest on its way to a destination.
type Manifest struct {
	v1.Descriptor        // of Raw; without annotations
	Raw           []byte // not to be written to
	// Ref is what the image will be called there; "" for an image without a name.
	Ref string
	// Source is what it was made from.
	Source *ocisource.Source
}
