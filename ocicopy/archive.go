package ocicopy

import (
	"context"
	"encoding/json"
	"path"
	"sync"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/cstor-go/cstor/ocisource"
)

// OCIArchive is an OCI layout in one tar. The file gets its name when it is complete, in
// the place of what has it: nothing is added to an archive. If it is there and not a
// regular file, a FIFO for example, the archive is made in Options.Source.Spool and then
// written to it, when somebody opens it for reading. The same images give the same bytes, but for the order of layers.
type OCIArchive struct {
	File string
}

var _ Destination = OCIArchive{}

// Begin implements [Destination].
func (a OCIArchive) Begin(_ context.Context, images []Image, opts Options) (Session, error) {
	for _, i := range images {
		if err := checkLayoutRef(i.ref()); err != nil {
			return nil, err
		}
	}
	t, err := createTar(a.File, opts, images)
	if err != nil {
		return nil, err
	}
	return &archiveSession{tar: t, index: newIndex()}, nil
}

type archiveSession struct {
	tar   *tarFile
	mu    sync.Mutex
	index *index
}

func blobName(d digest.Digest) string {
	return path.Join(v1.ImageBlobsDir, d.Algorithm().String(), d.Encoded())
}

// PutLayer implements [Session].
func (s *archiveSession) PutLayer(ctx context.Context, l *ocisource.Layer, progress func(int64)) (v1.Descriptor, bool, error) {
	return s.tar.layer(ctx, l, blobName, progress)
}

// PutConfig implements [Session].
func (s *archiveSession) PutConfig(_ context.Context, d v1.Descriptor, raw []byte) error {
	if !s.tar.once(d.Digest) {
		return nil
	}
	return s.tar.add(blobName(d.Digest), raw)
}

// PutManifest implements [Session].
func (s *archiveSession) PutManifest(ctx context.Context, m Manifest) error {
	if err := s.PutConfig(ctx, m.Descriptor, m.Raw); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.index.put(named(m))
}

// Commit implements [Session].
func (s *archiveSession) Commit(ctx context.Context) error {
	raw, err := s.index.bytes()
	if err != nil {
		return err
	}
	layout, err := json.Marshal(v1.ImageLayout{Version: v1.ImageLayoutVersion})
	if err != nil {
		return err
	}
	if err := s.tar.add(layoutFile, layout); err != nil {
		return err
	}
	if err := s.tar.add(indexFile, raw); err != nil {
		return err
	}
	return s.tar.finish(ctx)
}

// Close implements [Session].
func (s *archiveSession) Close() error { return s.tar.close() }
