package ocisource

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// Resolve returns the manifest's descriptor, whatever the reference, since there is one
// image: names are the business of who opened it. A reference that is a digest must be the
// manifest's; else the error matches [ErrNotFound]. Layers that are not known yet are
// prepared first, as by [Source.Manifest].
func (s *Source) Resolve(ctx context.Context, reference string) (v1.Descriptor, error) {
	d, _, err := s.Manifest(ctx)
	if err != nil {
		return v1.Descriptor{}, err
	}
	if isDigest(reference) && reference != d.Digest.String() {
		return v1.Descriptor{}, fmt.Errorf("%s: %w", reference, ErrNotFound)
	}
	return d, nil
}

// Exists reports whether the content is the manifest, the configuration or a layer.
// Layers are prepared first, as by [Source.Manifest]: before, their digests are unknown.
func (s *Source) Exists(ctx context.Context, target v1.Descriptor) (bool, error) {
	if target.Digest == s.config.Digest {
		return target.Size == s.config.Size, nil
	}
	d, _, err := s.Manifest(ctx)
	switch {
	case err != nil:
		return false, err
	case target.Digest == d.Digest:
		return target.Size == d.Size, nil
	}
	l, size := s.layer(target)
	return l != nil && size == target.Size, nil
}

// Fetch opens the content that the descriptor names, by digest and size; if it is not part
// of the image, the error matches [ErrNotFound]. The caller closes the reader, which is
// an [io.ReadSeeker] always. It is an [io.ReaderAt] as well unless it is an uncompressed
// layer, and safe for one goroutine at a time. ctx counts for an uncompressed layer until
// the reader is closed.
//
// An uncompressed layer is read from the store's files, without verification. Reading
// forward takes constant memory; the first Seek to another place reads the layer's whole
// recipe, which then takes some hundred bytes of memory for each file.
func (s *Source) Fetch(ctx context.Context, target v1.Descriptor) (io.ReadCloser, error) {
	if s.closed.Load() {
		return nil, errClosed
	}
	if target.Digest == s.config.Digest && target.Size == s.config.Size {
		return inMemory(s.raw), nil
	}
	l, size := s.layer(target)
	if l == nil {
		d, raw, err := s.Manifest(ctx)
		if err != nil {
			return nil, err
		}
		if target.Digest == d.Digest && target.Size == d.Size {
			return inMemory(raw), nil
		}
		l, size = s.layer(target) // has been prepared
	}
	if l == nil || size != target.Size {
		return nil, fmt.Errorf("%s, %d bytes: %w", target.Digest, target.Size, ErrNotFound)
	}
	return l.open(ctx)
}

// layer finds one that is known, and its blob's size.
func (s *Source) layer(target v1.Descriptor) (*Layer, int64) {
	for _, l := range s.layers {
		if d, ok := l.Descriptor(); ok && d.Digest == target.Digest {
			return l, d.Size
		}
	}
	return nil, 0
}

// blob is content that lies in memory or in one file.
type blob struct{ *io.SectionReader }

func (blob) Close() error { return nil }

func inMemory(b []byte) io.ReadCloser {
	return blob{io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))}
}

// open opens the layer's blob.
func (l *Layer) open(ctx context.Context) (io.ReadCloser, error) {
	d, _ := l.Descriptor()
	if l.src.opts.Compression == None {
		return newTarReader(ctx, l.stored, d.Size)
	}
	file, err := l.respool(ctx, d)
	if err != nil {
		return nil, err
	}
	return blob{io.NewSectionReader(file, 0, d.Size)}, nil
}

// isDigest tells a digest from a name: a tag has no colon.
func isDigest(reference string) bool {
	return strings.Contains(reference, ":") && digest.Digest(reference).Validate() == nil
}
