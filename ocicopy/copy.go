package ocicopy

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/opencontainers/go-digest"

	"github.com/cstor-go/cstor/ocisource"
)

// Copy copies images to a destination: layers and configurations first, then manifests,
// then what makes them found. It blocks until all is done, or the first error has ended
// everything; all goroutines have ended when it returns. After an error no reference has
// been changed at a local destination; layers that were complete stay in a layout.
//
// Errors are those of [ocisource.Open], of the layers ([cstor.Layer.WriteTar]), and of the
// destination; see this package's. Two images of one name are an error that matches
// [ErrReference], and no images at all are [ErrNoImages].
func Copy(ctx context.Context, images []Image, to Destination, opts Options) (report Report, err error) {
	if len(images) == 0 {
		return Report{}, ErrNoImages
	}
	c := &copying{opts: opts, layers: map[digest.Digest]*shared{}}
	defer func() {
		for _, s := range c.sources {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := c.open(ctx, images); err != nil {
		return Report{}, err
	}
	if c.session, err = to.Begin(ctx, images, opts); err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, c.session.Close()) }()
	if err := c.copyLayers(ctx); err != nil {
		return Report{}, err
	}
	for n, s := range c.sources {
		if err := c.finish(ctx, images[n], s); err != nil {
			return Report{}, err
		}
	}
	if err := c.session.Commit(ctx); err != nil {
		return Report{}, err
	}
	return c.report, nil
}

// copying is one call of Copy.
type copying struct {
	opts    Options
	session Session
	sources []*ocisource.Source
	layers  map[digest.Digest]*shared // by diff id
	order   []*shared
	report  Report
}

// shared is a layer that one or more of the images have.
type shared struct {
	layer  *ocisource.Layer   // of the first image
	others []*ocisource.Layer // of further ones
	image  int
	reused bool
	size   int64
}

func (c *copying) open(ctx context.Context, images []Image) error {
	refs := map[string]int{}
	for n, i := range images {
		if ref := i.ref(); ref != "" {
			if before, ok := refs[ref]; ok && images[before].Image.ID() != i.Image.ID() {
				return fmt.Errorf("%w: images %s and %s would both be called %q", ErrReference, images[before].Image.ID(), i.Image.ID(), ref)
			}
			refs[ref] = n
		}
		s, err := ocisource.Open(ctx, i.Image, c.opts.Source)
		if err != nil {
			return err
		}
		c.sources = append(c.sources, s)
		for _, l := range s.Layers() {
			if have := c.layers[l.DiffID()]; have != nil {
				have.others = append(have.others, l)
				continue
			}
			x := &shared{layer: l, image: n}
			c.layers[l.DiffID()] = x
			c.order = append(c.order, x)
		}
	}
	return nil
}

// copyLayers copies the longest first, so that none is left over in the end.
func (c *copying) copyLayers(ctx context.Context) error {
	order := slices.Clone(c.order)
	slices.SortStableFunc(order, func(a, b *shared) int {
		return int(max(min(b.layer.Stored().DiffSize()-a.layer.Stored().DiffSize(), 1), -1))
	})
	parallel := c.opts.Parallel
	switch compression := c.opts.Source.Compression; {
	case parallel > 0:
	case compression != "" && compression != ocisource.None:
		parallel = 2 // compressing one takes all cores for most of the time
	default:
		parallel = max(2, min(runtime.GOMAXPROCS(0), 6))
	}
	group, all := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, x := range order {
		group.Go(func() error { return c.copyLayer(all, x) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, x := range c.order {
		if c.report.Layers++; x.reused {
			c.report.Reused++
		} else {
			c.report.Written += x.size
		}
	}
	return context.Cause(ctx)
}

func (c *copying) copyLayer(ctx context.Context, x *shared) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	c.tell(Event{Step: Started, Image: x.image, Layer: x.layer, Bytes: x.layer.Stored().DiffSize()})
	d, reused, err := c.session.PutLayer(ctx, x.layer, func(n int64) {
		c.tell(Event{Step: Moved, Image: x.image, Layer: x.layer, Bytes: n})
	})
	if err != nil {
		return err
	}
	x.reused, x.size = reused, d.Size
	for _, other := range x.others {
		if err := other.Adopt(d); err != nil {
			return err
		}
	}
	c.tell(Event{Step: Done, Image: x.image, Layer: x.layer, Descriptor: d, Reused: reused})
	return nil
}

// finish puts what is left of an image whose layers are there.
func (c *copying) finish(ctx context.Context, i Image, s *ocisource.Source) error {
	config, raw := s.Config()
	if err := c.session.PutConfig(ctx, config, raw); err != nil {
		return err
	}
	m := Manifest{Ref: i.ref(), Source: s}
	var err error
	if m.Descriptor, m.Raw, err = s.Manifest(ctx); err != nil {
		return err
	}
	if err := c.session.PutManifest(ctx, m); err != nil {
		return err
	}
	c.report.Images = append(c.report.Images, Copied{Descriptor: m.Descriptor, Ref: m.Ref, Image: s.Image()})
	return nil
}

func (c *copying) tell(e Event) {
	if c.opts.Progress != nil {
		c.opts.Progress(e)
	}
}
