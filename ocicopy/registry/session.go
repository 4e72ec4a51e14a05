package registry

import (
	"bytes"
	"context"
	"fmt"
	"io"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/cstor-go/cstor/ocicopy"
	"github.com/cstor-go/cstor/ocisource"
)

var _ ocicopy.Destination = (*Repository)(nil)

// Begin implements [ocicopy.Destination]: of one image, for a tag names one. It asks the
// registry whether an image may be sent at all ([Repository.Writable]), before layers are
// compressed for nothing.
func (r *Repository) Begin(ctx context.Context, images []ocicopy.Image, _ ocicopy.Options) (ocicopy.Session, error) {
	if len(images) != 1 {
		return nil, fmt.Errorf("%w: %s: a tag names one image, not %d", ocicopy.ErrDestination, r.name, len(images))
	}
	if err := r.Writable(ctx); err != nil {
		return nil, err
	}
	return &session{r}, nil
}

// session sends the parts of an image as they come. Nothing of it is named before the
// manifest, which comes last.
type session struct{ r *Repository }

// PutLayer implements [ocicopy.Session]. A layer whose digest is known is rebuilt and
// checked on its way; others come from the spool.
func (s *session) PutLayer(ctx context.Context, l *ocisource.Layer, progress func(int64)) (v1.Descriptor, bool, error) {
	ctx = s.r.scoped(ctx)
	p := &portion{all: max(l.Stored().DiffSize(), 0), tell: progress}
	d, known := l.Descriptor()
	if !known {
		var err error
		if d, err = l.Prepare(ctx, p.prepared); err != nil {
			return v1.Descriptor{}, false, err
		}
	}
	p.begin(d.Size)
	reused, err := s.r.blob(ctx, d, func(ctx context.Context) (io.ReadCloser, error) { return written(ctx, l), nil }, p.sent)
	if err == nil {
		p.end()
	}
	return d, reused, err
}

// written is the content of a layer as [ocisource.Layer.Write] writes it, which checks it
// and, with all cores, is faster than reading.
func written(ctx context.Context, l *ocisource.Layer) io.ReadCloser {
	r, w := io.Pipe()
	end := make(chan struct{})
	go func() {
		defer close(end)
		_, err := l.Write(ctx, w, nil)
		_ = w.CloseWithError(err) // never fails
	}()
	return &pipe{r, end}
}

// pipe is read while somebody else writes, whom Close waits for.
type pipe struct {
	*io.PipeReader
	end <-chan struct{}
}

func (p *pipe) Close() error {
	err := p.PipeReader.Close()
	<-p.end
	return err
}

// portion tells how far a layer is in bytes of its uncompressed length, whatever the size
// of what is sent: if it is read first, for its digest, that is half of the work. It is
// for one goroutine at a time.
type portion struct {
	all, half, size, done, told int64
	tell                        func(int64)
}

func (p *portion) prepared(n int64) {
	p.done += n
	p.to(p.done / 2)
}

// begin is the end of what came before, and size that of what will be sent.
func (p *portion) begin(size int64) {
	p.half, p.size, p.done = p.told, size, 0
}

func (p *portion) sent(n int64) {
	p.done += n
	p.to(p.half + int64(float64(p.all-p.half)*float64(p.done)/float64(max(p.size, 1))))
}

func (p *portion) end() { p.to(max(p.all, p.told)) }

func (p *portion) to(n int64) {
	if n != p.told {
		p.tell(n - p.told)
		p.told = n
	}
}

// PutConfig implements [ocicopy.Session].
func (s *session) PutConfig(ctx context.Context, d v1.Descriptor, raw []byte) error {
	_, err := s.r.blob(s.r.scoped(ctx), d, func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(raw)), nil
	}, func(int64) {})
	return err
}

// PutManifest implements [ocicopy.Session]: the image then has its tag.
func (s *session) PutManifest(ctx context.Context, m ocicopy.Manifest) error {
	return s.r.putManifest(s.r.scoped(ctx), m.Descriptor, m.Raw)
}

// maxManifest is how long in bytes a manifest may be for registries (distribution
// registry/handlers/manifests.go: maxManifestBodySize).
const maxManifest = 4 << 20

func (r *Repository) putManifest(ctx context.Context, d v1.Descriptor, raw []byte) error {
	if len(raw) > maxManifest {
		return fmt.Errorf("manifest %s has %d bytes: registries take %d", d.Digest, len(raw), maxManifest)
	}
	return r.describe(r.retry(ctx, func() error {
		return r.remote().Manifests().PushReference(withDigest(ctx, d.Digest), d, bytes.NewReader(raw), r.name.Tag())
	}))
}

// Commit implements [ocicopy.Session]. There is nothing left to do.
func (s *session) Commit(context.Context) error { return nil }

// Close implements [ocicopy.Session]. What was sent of an image that was given up stays
// until the registry collects it.
func (s *session) Close() error { return nil }
