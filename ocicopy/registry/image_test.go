package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/cstor-go/cstor/internal/registrytest"
)

func TestMain(m *testing.M) {
	firstPause = time.Millisecond
	// No credentials of whoever runs the tests.
	home, err := os.MkdirTemp("", "registry-test-")
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"REGISTRY_AUTH_FILE", "XDG_CONFIG_HOME", "DOCKER_CONFIG", "_CONTAINERS_ROOTLESS_UID"} {
		_ = os.Unsetenv(name)
	}
	_ = os.Setenv("HOME", home)
	_ = os.Setenv("XDG_RUNTIME_DIR", home)
	code := m.Run()
	_ = os.RemoveAll(home)
	os.Exit(code)
}

// image is one in memory.
type image struct {
	mu       sync.Mutex
	blobs    map[digest.Digest][]byte
	fetched  map[digest.Digest]int
	manifest v1.Descriptor
	layers   []v1.Descriptor
	config   v1.Descriptor
	broken   map[digest.Digest]func([]byte) io.Reader // in the place of the content
}

func newImage(t *testing.T, layers ...string) *image {
	t.Helper()
	i := &image{blobs: map[digest.Digest][]byte{}, fetched: map[digest.Digest]int{}, broken: map[digest.Digest]func([]byte) io.Reader{}}
	i.config = i.add(v1.MediaTypeImageConfig, []byte(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}`))
	for _, l := range layers {
		i.layers = append(i.layers, i.add(v1.MediaTypeImageLayer, []byte(l)))
	}
	raw, err := json.Marshal(v1.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: v1.MediaTypeImageManifest, Config: i.config, Layers: i.layers})
	if err != nil {
		t.Fatal(err)
	}
	i.manifest = i.add(v1.MediaTypeImageManifest, raw)
	return i
}

func (i *image) add(mediaType string, raw []byte) v1.Descriptor {
	d := v1.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(raw), Size: int64(len(raw))}
	i.blobs[d.Digest] = raw
	return d
}

func (i *image) Fetch(_ context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	raw, ok := i.blobs[d.Digest]
	if !ok {
		return nil, fmt.Errorf("no blob %s", d.Digest)
	}
	i.fetched[d.Digest]++
	if other := i.broken[d.Digest]; other != nil {
		return io.NopCloser(other(raw)), nil
	}
	return io.NopCloser(bytes.NewReader(raw)), nil
}

// opener opens a blob as session does.
func (i *image) opener(d v1.Descriptor) opener {
	return func(ctx context.Context) (io.ReadCloser, error) { return i.Fetch(ctx, d) }
}

// send sends an image, all blobs at once, and tells what became of them.
func (i *image) send(ctx context.Context, r *Repository, tell func(n int64)) (sent, reused int, err error) {
	ctx = r.scoped(ctx)
	var mu sync.Mutex
	var g errgroup.Group
	for _, d := range append(slices.Clone(i.layers), i.config) {
		g.Go(func() error {
			had, err := r.blob(ctx, d, i.opener(d), func(n int64) {
				if tell != nil {
					tell(n)
				}
			})
			mu.Lock()
			defer mu.Unlock()
			if had {
				reused++
			} else {
				sent++
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return 0, 0, err
	}
	return sent, reused, r.putManifest(ctx, i.manifest, i.blobs[i.manifest.Digest])
}

func start(t *testing.T, opts registrytest.Options) *registrytest.Registry {
	t.Helper()
	r := registrytest.New(opts)
	t.Cleanup(r.Close)
	return r
}

func open(t *testing.T, ref string, opts Options) *Repository {
	t.Helper()
	r, err := Open(t.Context(), ref, opts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// plain are options for a registry without TLS.
var plain = Options{Insecure: true}
