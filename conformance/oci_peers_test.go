package conformance

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/cstor-go/cstor"

	"github.com/cstor-go/cstor/conformance/contents"
	"github.com/cstor-go/cstor/conformance/corpus"
	"github.com/cstor-go/cstor/conformance/peers"
	"github.com/cstor-go/cstor/conformance/registry"
)

// TestPeersReadCopies copies images by every transport, and gives each to the tools of all generations: skopeo, which checks
// all digests; podman and buildah, of which the images are then asked whose store it became; umoci, whose trees are compared.
func TestPeersReadCopies(t *testing.T) {
	needRoot(t)
	for _, peer := range peers.Names {
		t.Run(peer, func(t *testing.T) {
			t.Parallel()
			s := named(t, "machine-root")
			d := newDesk(t, peer)
			r := startRegistry(t, registry.Options{})
			images := map[string]*cstor.Image{}
			st := openStore(t, s)
			for _, name := range copied {
				i, err := st.Image(name)
				if err != nil {
					t.Fatal(err)
				}
				images[name] = i
			}
			sources := copyForPeers(t, s, d, r)
			readBySkopeo(t, d, images, sources)
			readByPodman(t, d, images, sources)
			readByUmoci(t, d, images)
		})
	}
}

// copyForPeers copies the images by each transport and compression, and returns what the tools call the places: %s is the
// name of the image.
func copyForPeers(t *testing.T, s *corpus.Store, d *desk, r *registry.Registry) (sources []string) {
	t.Helper()
	to := func(flags []string, dest string, names ...string) {
		copyToOCI(t, s, slices.Concat(flags, names, []string{dest})...)
	}
	for _, compression := range []string{"none", "gzip", "zstd"} {
		flags := []string{"--compression", compression}
		to(flags, "oci:"+filepath.Join(d.here, compression), copied...)
		sources = append(sources, "oci:"+compression+":%[1]s")
		for n, name := range copied {
			to(slices.Concat(flags, []string{"--tls-verify=false"}), fmt.Sprintf("docker://%s/%s:%d", r.Host, compression, n), name)
		}
		sources = append(sources, "docker://"+r.Host+"/"+compression+":%[2]d")
	}
	for n, name := range copied {
		to(nil, fmt.Sprintf("oci-archive:%s/%d.oci.tar", d.here, n), name)
		to([]string{"--manifest-format", "docker", "--tls-verify=false"}, fmt.Sprintf("docker://%s/docker:%d", r.Host, n), name)
	}
	to(nil, "docker-archive:"+filepath.Join(d.here, "docker.tar"), copied...)
	return append(sources, "oci-archive:%[2]d.oci.tar", "docker://"+r.Host+"/docker:%[2]d", "docker-archive:docker.tar:%[1]s")
}

// readBySkopeo has skopeo copy each image from each place: it compares the digests of blobs, and here that of the configuration
// with the image's id.
func readBySkopeo(t *testing.T, d *desk, images map[string]*cstor.Image, sources []string) {
	t.Helper()
	var script strings.Builder
	for k, source := range sources {
		for n, name := range copied {
			fmt.Fprintf(&script, "skopeo --insecure-policy copy -q --src-tls-verify=false '%s' dir:skopeo/%d.%d\n", fmt.Sprintf(source, name, n), k, n)
		}
	}
	d.run(t, "mkdir skopeo\n"+script.String())
	for k, source := range sources {
		for n, name := range copied {
			var m v1.Manifest // docker's has the same fields
			readJSON(t, filepath.Join(d.here, "skopeo", fmt.Sprintf("%d.%d", k, n), "manifest.json"), &m)
			if got := m.Config.Digest.Encoded(); got != images[name].ID() {
				t.Errorf("skopeo of %s: %s has id %s, want %s", d.Name, fmt.Sprintf(source, name, n), got, images[name].ID())
			}
		}
	}
}

// readByPodman has podman load both kinds of archive and pull from the registry, and buildah pull a layout: each makes a store,
// which cstor then opens. It has to have the images by their ids, and all their layers exactly.
func readByPodman(t *testing.T, d *desk, images map[string]*cstor.Image, sources []string) {
	t.Helper()
	ways := map[string]string{"docker-archive": "podman load -q -i docker.tar\n"}
	for n := range copied {
		ways["oci-archive"] += fmt.Sprintf("podman load -q -i %d.oci.tar\n", n)
	}
	for _, source := range sources {
		transport, _, _ := strings.Cut(source, ":")
		for n, name := range copied {
			switch at := fmt.Sprintf(source, name, n); {
			case transport == "docker" && strings.Contains(at, "/zstd:"), transport == "docker" && strings.Contains(at, "/docker:"):
				ways["registry"] += fmt.Sprintf("podman pull -q --tls-verify=false '%s'\n", at)
			case transport == "docker" && strings.Contains(at, "/gzip:"):
				ways["buildah"] += fmt.Sprintf("buildah pull -q --tls-verify=false '%s'\n", at)
			case strings.HasPrefix(at, "oci:none:"):
				ways["buildah"] += fmt.Sprintf("buildah pull -q '%s'\n", at)
			}
		}
	}
	for way, script := range ways {
		s := &corpus.Store{Driver: "overlay", GraphRoot: filepath.Join(d.there, way, "root"), RunRoot: filepath.Join(d.there, way, "run")}
		if err := os.Mkdir(filepath.Join(d.here, way), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(d.here, way, "storage.conf"), []byte(s.Configuration()), 0o600); err != nil {
			t.Fatal(err)
		}
		d.run(t, fmt.Sprintf("export CONTAINERS_STORAGE_CONF=$PWD/%[1]s/storage.conf HOME=$PWD/%[1]s XDG_RUNTIME_DIR=$PWD/%[1]s\n{\n%[2]s} > /dev/null", way, script))
		st, err := cstor.Open(t.Context(), filepath.Join(d.here, way, "root"), cstor.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range images {
			got, err := st.Image(want.ID())
			if err != nil {
				t.Errorf("%s of %s: %s: %v", way, d.Name, name, err)
				continue
			}
			sameLayers(t, want, got)
		}
		_ = st.Close() // was only read
	}
}

// sameLayers compares the layers of two images of two stores: the diff ids, and that what is on disk gives them.
func sameLayers(t *testing.T, want, got *cstor.Image) {
	t.Helper()
	wanted, err := want.Layers()
	if err != nil {
		t.Fatal(err)
	}
	layers, err := got.Layers()
	if err != nil || len(layers) != len(wanted) {
		t.Errorf("%s has %d layers, want %d: %v", got, len(layers), len(wanted), err)
		return
	}
	for n, l := range layers {
		if _, err := l.WriteTar(t.Context(), io.Discard, cstor.WriteOptions{}); err != nil || l.DiffID() != wanted[n].DiffID() {
			t.Errorf("%s: layer %s has diff id %s, want %s: %v", got, l, l.DiffID(), wanted[n].DiffID(), err)
		}
	}
}

// readByUmoci has umoci unpack images of a layout, and compares the trees with those by the headers.
func readByUmoci(t *testing.T, d *desk, images map[string]*cstor.Image) {
	t.Helper()
	for _, compression := range []string{"none", "gzip", "zstd"} {
		for n, name := range copied {
			// Its option for the image ends at the first colon, and a name of the store has one.
			bundle := fmt.Sprintf("umoci.%s.%d", compression, n)
			out := d.run(t, fmt.Sprintf("command -v umoci > /dev/null || { echo none; exit; }\numoci unpack --image '%s:%s' %s > said 2>&1 || { cat said; exit; }", compression, name, bundle))
			if out != "" {
				t.Logf("umoci of %s, %s: %s", d.Name, compression, strings.TrimSpace(out))
				if strings.TrimSpace(out) != "none" && compression != "zstd" {
					t.Errorf("umoci of %s: %s: %s", d.Name, name, out)
				}
				break
			}
			layers, err := images[name].Layers()
			if err != nil {
				t.Fatal(err)
			}
			x := look(t, corpus.Corpus{Name: "umoci of " + d.Name}, name, layers)
			got, err := contents.OnDisk(filepath.Join(d.here, bundle, "rootfs"))
			if err != nil {
				t.Fatal(err)
			}
			for _, diff := range contents.Differences(x.tree, got) {
				if _, implied := x.implied[diff.Path]; implied && isMetadata(diff) {
					continue // directories that no header names: as each likes
				}
				t.Errorf("%s: %s", x, diff)
			}
		}
	}
}
