package ocisource

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/cstor-go/cstor"
)

// ErrNotFound says that what was asked for is not part of the image. It matches
// [fs.ErrNotExist].
var ErrNotFound error = notFound{}

type notFound struct{}

func (notFound) Error() string        { return "not found in the image" }
func (notFound) Is(target error) bool { return target == fs.ErrNotExist }

var errClosed = fmt.Errorf("ocisource: the source is closed: %w", fs.ErrClosed)

// Source is one stored image as OCI content. It is safe for concurrent use.
type Source struct {
	image  *cstor.Image
	opts   Options
	config v1.Descriptor
	raw    []byte   // the configuration
	layers []*Layer // each diff id once
	parts  []part   // of the manifest, base first
	made   original

	mu       sync.Mutex
	manifest []byte // nil until all layers are known
	desc     v1.Descriptor

	closed atomic.Bool
	room   chan struct{} // see frames
}

// part is one entry of the manifest's layers.
type part struct {
	layer       *Layer
	annotations map[string]string
}

// Open shows an image of the store; of a list, the instance for the platform. It reads
// records, manifest and configuration, and no content. What is missing among them, or
// does not agree, is an error: one that matches [cstor.ErrIncomplete] if the image has no
// manifest or configuration, a [*cstor.MismatchError] if a layer is not the one that the
// configuration names, one that matches [cstor.ErrDamaged] if there are more or fewer.
// Wrong options give an error that matches [ErrOptions], and a spool in a store, if layers
// are to be compressed, one that matches [ErrInStore].
//
// The caller closes the source, and the image's store after it.
func Open(ctx context.Context, img *cstor.Image, opts Options) (*Source, error) {
	if err := opts.check(); err != nil {
		return nil, err
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	img, err := img.Instance(opts.Platform)
	if err != nil {
		return nil, err
	}
	s := &Source{image: img, opts: opts, room: make(chan struct{}, maxFrames())}
	if opts.Compression != None {
		if err := s.checkSpool(); err != nil && !errors.Is(err, fs.ErrNotExist) { // it may never be needed
			return nil, err
		}
	}
	if err := s.open(); err != nil {
		if se := (*cstor.StoreError)(nil); !errors.As(err, &se) || se.What != "image "+img.ID() {
			err = fmt.Errorf("image %s: %w", img.ID(), err)
		}
		return nil, err
	}
	return s, nil
}

func (s *Source) open() (err error) {
	if s.made, err = readOriginal(s.image); err != nil {
		return err
	}
	parsed, raw, err := s.image.Config()
	if err != nil {
		return err
	}
	if raw == nil {
		if raw, err = schema1Config(parsed, s.made.raw); err != nil {
			return err
		}
	}
	s.raw = raw
	s.config = v1.Descriptor{MediaType: s.configType(), Digest: digest.FromBytes(raw), Size: int64(len(raw))}
	if d := s.made.config.Digest; d != "" { // by whatever algorithm, and Config has checked it
		s.config.Digest = d
	}
	if s.opts.Format == OCI {
		s.config.Annotations = s.made.config.Annotations
	}
	stored, err := s.image.Layers()
	if err != nil {
		return err
	}
	return s.stack(stored, parsed.RootFS.DiffIDs)
}

// stack takes the stored layers for what the configuration names.
func (s *Source) stack(stored []*cstor.Layer, diffIDs []digest.Digest) error {
	if len(stored) != len(diffIDs) {
		return fmt.Errorf("%w: the configuration names %d layers, and the store has %d", cstor.ErrDamaged, len(diffIDs), len(stored))
	}
	known := map[digest.Digest]*Layer{}
	for n, l := range stored {
		want := diffIDs[n]
		if want == "" { // of a schema 1 image
			want = l.DiffID()
		}
		if err := want.Validate(); err != nil {
			return failed(l, fmt.Errorf("diff id %q in the configuration: %w", want, err))
		}
		if have := l.DiffID(); have != "" && have != want {
			return failed(l, &cstor.MismatchError{What: "diff id in the configuration", Want: want.String(), Got: have.String()})
		}
		layer := known[want]
		if layer == nil {
			layer = newLayer(s, len(s.layers), l, want)
			known[want] = layer
			s.layers = append(s.layers, layer)
		}
		s.parts = append(s.parts, part{layer: layer, annotations: s.made.annotationsOf(n, len(stored))})
	}
	return nil
}

// Image is the image that is shown: an instance, if a list was opened.
func (s *Source) Image() *cstor.Image { return s.image }

// Options are those that the source was opened with, defaults filled in.
func (s *Source) Options() Options { return s.opts }

// Config is the configuration's descriptor and its bytes, which must not be written to.
func (s *Source) Config() (v1.Descriptor, []byte) { return s.config, s.raw }

// Layers are the image's layers, base first. One that the image has several times, such
// as an empty one, is here once.
func (s *Source) Layers() []*Layer { return append([]*Layer(nil), s.layers...) }

// Manifest makes the manifest and returns its descriptor and its bytes, which must not be
// written to. Layers that are not known yet are hashed or compressed into the spool
// first, several at a time. The same options give the same bytes; compressed, as long as
// the library that compresses is the same.
func (s *Source) Manifest(ctx context.Context) (v1.Descriptor, []byte, error) {
	if err := s.prepare(ctx); err != nil {
		return v1.Descriptor{}, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.manifest == nil {
		var err error
		if s.manifest, s.desc, err = s.makeManifest(); err != nil {
			return v1.Descriptor{}, nil, err
		}
	}
	return s.desc, s.manifest, nil
}

// Close releases the spool. Layers that are being read or written fail or go on. Twice is
// fine.
func (s *Source) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	var errs []error
	for _, l := range s.layers {
		errs = append(errs, l.close())
	}
	return errors.Join(errs...)
}
