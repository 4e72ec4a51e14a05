package registry

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/registrytest"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/ocicopy"
	"github.com/cstor-go/cstor/ocisource"
)

const spec = `
layer base
  file etc/large 0644 size=300K seed=1
layer top parent=base
  file etc/small 0644 "small"
image localhost/base:1 layer=base
image localhost/app:1 layer=top
`

// stored makes a store and finds an image of it.
func stored(t *testing.T, s *storetest.Store, name string) *cstor.Image {
	t.Helper()
	st, err := cstor.Open(t.Context(), s.Root, cstor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	i, err := st.Image(name)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// TestCopy: a stored image, as it is then in the registry; and again; and a part of it
// from another repository.
func TestCopy(t *testing.T) {
	t.Parallel()
	s := storetest.New(t, spec, storetest.Options{})
	app, base := stored(t, s, "app:1"), stored(t, s, "base:1")
	for _, compression := range []ocisource.Compression{ocisource.None, ocisource.Gzip, ocisource.Zstd} {
		t.Run(string(compression), func(t *testing.T) {
			t.Parallel()
			reg := start(t, registrytest.Options{})
			copyTo := func(name string, i *cstor.Image, opts Options) ocicopy.Report {
				t.Helper()
				opts.Insecure = true
				var moved, expected atomic.Int64
				report, err := ocicopy.Copy(t.Context(), []ocicopy.Image{{Image: i}}, open(t, reg.Host+"/"+name, opts), ocicopy.Options{
					Source: ocisource.Options{Compression: compression},
					Progress: func(e ocicopy.Event) {
						switch e.Step {
						case ocicopy.Started:
							expected.Add(e.Bytes)
						case ocicopy.Moved:
							moved.Add(e.Bytes)
						}
					},
				})
				if err != nil {
					t.Fatal(err)
				}
				if moved.Load() != expected.Load() {
					t.Errorf("%s: %d bytes were told of %d", name, moved.Load(), expected.Load())
				}
				return report
			}
			report := copyTo("app:v1", app, Options{})
			if report.Layers != 2 || report.Reused != 0 {
				t.Errorf("%+v", report)
			}
			sameImage(t, reg, "app", "v1", s, compression)
			if raw, _ := reg.Manifest("app", "v1"); digest.FromBytes(raw) != report.Images[0].Descriptor.Digest {
				t.Error("the report has another digest")
			}
			if again := copyTo("app:v2", app, Options{}); again.Reused != 2 || again.Written != 0 {
				t.Errorf("again: %+v", again)
			}
			if n := reg.Count("PUT /v2/app/blobs/"); n != 3 {
				t.Errorf("%d blobs were sent:\n%s", n, strings.Join(reg.Log(), "\n"))
			}
			if part := copyTo("base", base, Options{MountFrom: []string{"app"}}); part.Reused != 1 {
				t.Errorf("a part: %+v", part)
			}
			if n := reg.Count("PUT /v2/base/blobs/"); n != 1 { // the configuration
				t.Errorf("%d blobs were sent that another repository has:\n%s", n, strings.Join(reg.Log(), "\n"))
			}
		})
	}
}

// sameImage compares what a tag of a registry leads to with the image app of the store.
func sameImage(t *testing.T, reg *registrytest.Registry, name, tag string, s *storetest.Store, compression ocisource.Compression) {
	t.Helper()
	raw, _ := reg.Manifest(name, tag)
	var m v1.Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	if got := m.Config.Digest.Encoded(); got != s.Image("localhost/app:1").ID || reg.Blob(name, m.Config.Digest) == nil {
		t.Errorf("configuration %s, and the image's id is %s", got, s.Image("localhost/app:1").ID)
	}
	for n, layer := range []string{"base", "top"} {
		blob := reg.Blob(name, m.Layers[n].Digest)
		if compression == ocisource.Gzip {
			r, err := gzip.NewReader(bytes.NewReader(blob))
			if err != nil {
				t.Fatal(err)
			}
			if blob, err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
		}
		if compression != ocisource.Zstd && !bytes.Equal(blob, s.Layer(layer).Tar) {
			t.Errorf("layer %s: other bytes", layer)
		}
	}
}

// TestCopyDamaged: a layer that is wrong gives the error of the store, and is not there.
func TestCopyDamaged(t *testing.T) {
	t.Parallel()
	for _, compression := range []ocisource.Compression{ocisource.None, ocisource.Gzip} {
		s := storetest.New(t, spec, storetest.Options{})
		fault, err := storetest.ParseFault("replace", "base", "etc/large", strings.Repeat("x", 300<<10))
		if err != nil {
			t.Fatal(err)
		}
		if err := fault(s); err != nil {
			t.Fatal(err)
		}
		reg := start(t, registrytest.Options{})
		_, err = ocicopy.Copy(t.Context(), []ocicopy.Image{{Image: stored(t, s, "app:1")}}, open(t, reg.Host+"/app", plain), ocicopy.Options{
			Source: ocisource.Options{Compression: compression},
		})
		if wrong := (*cstor.MismatchError)(nil); !errors.As(err, &wrong) || !strings.Contains(err.Error(), s.Layer("base").ID) {
			t.Errorf("%s: %v", compression, err)
		}
		if raw, _ := reg.Manifest("app", "latest"); raw != nil || reg.Blob("app", digest.Digest(s.Layer("base").DiffID)) != nil {
			t.Errorf("%s: there is something: %s", compression, raw)
		}
	}
}

// TestCopyRefused: what cannot be is known before anything is compressed.
func TestCopyRefused(t *testing.T) {
	t.Parallel()
	s := storetest.New(t, spec, storetest.Options{})
	reg := start(t, registrytest.Options{User: "u", Password: "p"})
	to := open(t, reg.Host+"/app", Options{Insecure: true, Username: "u", Password: "wrong"})
	app := ocicopy.Image{Image: stored(t, s, "app:1")}
	opts := ocicopy.Options{
		Source:   ocisource.Options{Compression: ocisource.Gzip, Spool: "/nowhere"},
		Progress: func(e ocicopy.Event) { t.Errorf("%+v", e) },
	}
	if _, err := ocicopy.Copy(t.Context(), []ocicopy.Image{app}, to, opts); !errors.Is(err, ErrDenied) {
		t.Error(err)
	}
	if _, err := ocicopy.Copy(t.Context(), []ocicopy.Image{app, app}, to, opts); !errors.Is(err, ocicopy.ErrDestination) {
		t.Error(err)
	}
}
