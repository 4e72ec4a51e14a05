package ocicopy

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/cstor-go/cstor/ocisource"
)

// DockerArchive is a tar as docker save makes it and docker load, podman load and kind
// take it. Layers in it are not compressed: with Options.Source.Compression it is refused
// with [ErrDestination]. References are names with tags; one without a tag gets "latest",
// and an image that has none but a digest comes without. Two images with one tag are refused
// with [ErrReference], however it is written. The file is made as by [OCIArchive].
type DockerArchive struct {
	File string
}

var _ Destination = DockerArchive{}

// Begin implements [Destination].
func (a DockerArchive) Begin(_ context.Context, images []Image, opts Options) (Session, error) {
	if c := opts.Source.Compression; c != "" && c != ocisource.None {
		return nil, fmt.Errorf("%w: layers in an archive of docker's are not compressed", ErrDestination)
	}
	have := map[string]string{} // ids by tags
	for _, i := range images {
		tag, err := repoTag(i.ref())
		if err != nil {
			return nil, err
		}
		if before, ok := have[tag]; ok && tag != "" && before != i.Image.ID() {
			return nil, fmt.Errorf("%w: images %s and %s would both be called %q", ErrReference, before, i.Image.ID(), tag)
		}
		have[tag] = i.Image.ID()
	}
	t, err := createTar(a.File, opts, images)
	if err != nil {
		return nil, err
	}
	return &dockerSession{tar: t}, nil
}

type dockerSession struct {
	tar   *tarFile
	mu    sync.Mutex
	items []*dockerItem
}

// dockerItem is an image in manifest.json (github.com/moby/moby image/spec/v1.2.md,
// "Combined Image JSON + Filesystem Changeset Format").
type dockerItem struct {
	Config   string
	RepoTags []string
	Layers   []string
}

func dockerLayer(d digest.Digest) string  { return d.Encoded() + ".tar" }
func dockerConfig(d digest.Digest) string { return d.Encoded() + ".json" }

// PutLayer implements [Session].
func (s *dockerSession) PutLayer(ctx context.Context, l *ocisource.Layer, progress func(int64)) (v1.Descriptor, bool, error) {
	return s.tar.layer(ctx, l, dockerLayer, progress)
}

// PutConfig implements [Session].
func (s *dockerSession) PutConfig(_ context.Context, d v1.Descriptor, raw []byte) error {
	if !s.tar.once(d.Digest) {
		return nil
	}
	return s.tar.add(dockerConfig(d.Digest), raw)
}

// PutManifest implements [Session]. The manifest itself is not in such an archive.
func (s *dockerSession) PutManifest(_ context.Context, m Manifest) error {
	var made v1.Manifest // docker's has the same fields
	if err := json.Unmarshal(m.Raw, &made); err != nil {
		return err
	}
	tag, err := repoTag(m.Ref)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	config := dockerConfig(made.Config.Digest)
	at := slices.IndexFunc(s.items, func(i *dockerItem) bool { return i.Config == config })
	if at < 0 {
		item := &dockerItem{Config: config, RepoTags: []string{}, Layers: []string{}}
		for _, l := range made.Layers {
			item.Layers = append(item.Layers, dockerLayer(l.Digest))
		}
		at, s.items = len(s.items), append(s.items, item)
	}
	if item := s.items[at]; tag != "" && !slices.Contains(item.RepoTags, tag) {
		item.RepoTags = append(item.RepoTags, tag)
	}
	return nil
}

// Commit implements [Session].
func (s *dockerSession) Commit(ctx context.Context) error {
	raw, err := json.Marshal(s.items)
	if err != nil {
		return err
	}
	if err := s.tar.add("manifest.json", raw); err != nil {
		return err
	}
	return s.tar.finish(ctx)
}

// Close implements [Session].
func (s *dockerSession) Close() error { return s.tar.close() }
