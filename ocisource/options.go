package ocisource

import (
	"errors"
	"fmt"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// Compression says how layers are compressed.
type Compression string

// Compressions of layers.
const (
	None Compression = "none"
	Gzip Compression = "gzip"
	Zstd Compression = "zstd"
)

// Format is a kind of manifest.
type Format string

// Formats of manifests.
const (
	OCI    Format = "oci"
	Docker Format = "docker" // schema 2; it has neither annotations nor zstd
)

// ErrOptions is matched by errors about options that are unknown or do not go together.
var ErrOptions = errors.New("wrong option")

// ErrInStore is matched by the error about a spool that lies in a store.
var ErrInStore = errors.New("inside a store, where cstor never writes")

// Options of [Open]. The zero value is ready to use.
type Options struct {
	// Compression of the layers; "" is [None].
	Compression Compression
	// Level of compression: 1 to 9 for gzip, 1 to 22 for zstd as its own command
	// counts, of which some are the same; 0 is the usual one of containers/image.
	Level int
	// Format of the manifest; "" is [OCI].
	Format Format
	// Platform chooses an image of a list: see [cstor.Image.Instance].
	Platform v1.Platform
	// Spool is a directory for compressed layers until Close, as files without names;
	// "" is $TMPDIR, or /var/tmp. It needs as much space as they take, and must not lie in
	// a store of the image. Nothing is put there for layers that are only written
	// ([Layer.Write]).
	Spool string
}

// check finds what is wrong, and fills in what is not said.
func (o *Options) check() error {
	most := 0
	switch o.Compression {
	case "":
		o.Compression = None
	case None:
	case Gzip:
		most = 9
	case Zstd:
		most = 22
	default:
		return fmt.Errorf("%w: compression %q is not none, gzip or zstd", ErrOptions, o.Compression)
	}
	switch {
	case o.Level != 0 && most == 0:
		return fmt.Errorf("%w: a level of compression without compression", ErrOptions)
	case o.Level < 0 || o.Level > most:
		return fmt.Errorf("%w: level %d of %s is not one of 1 to %d", ErrOptions, o.Level, o.Compression, most)
	}
	switch o.Format {
	case "":
		o.Format = OCI
	case OCI:
	case Docker:
		if o.Compression == Zstd {
			return fmt.Errorf("%w: manifests of docker's format have no layers compressed by zstd", ErrOptions)
		}
	default:
		return fmt.Errorf("%w: manifest format %q is not oci or docker", ErrOptions, o.Format)
	}
	return nil
}
