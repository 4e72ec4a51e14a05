package conformance

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"

	"github.com/cstor-go/cstor"

	"github.com/cstor-go/cstor/conformance/answer"
	"github.com/cstor-go/cstor/conformance/corpus"
	"github.com/cstor-go/cstor/conformance/fixture"
)

// listedStores are stores of each shape, the first of which is what others of the same images are compared with.
var listedStores = []string{
	"sid-contents", "machine-contents", "trixie-contents-user", "sid-contents-vfs", "sid-contents-fuse", "sid-contents-chunked", "sid-contents-composefs",
	"machine-root-vfs", "trixie-root-split", "sid-root-additional", "trixie-root-chunked", "sid-root-composefs", "trixie-user-fuse",
}

// listing is what the commands say of one image.
type listing struct {
	Paths string // ls -R
	Files string // ls -R --format json, without what a store gives to layers
	Table string // toc
}

// TestContentsCommands runs ls, cat and toc on stores of every shape. Stores that have the same image must list the same.
func TestContentsCommands(t *testing.T) {
	needRoot(t)
	binary := cstorBinary(t)
	lists := make([]map[string]listing, len(listedStores))
	t.Run("stores", func(t *testing.T) {
		for n, name := range listedStores {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				_, s := contentStore(t, name)
				run := func(args ...string) (string, error) {
					out, err := exec.CommandContext(t.Context(), binary, append(storeFlags(t, s, t.TempDir()), args...)...).Output()
					if exit, ok := errors.AsType[*exec.ExitError](err); ok {
						err = fmt.Errorf("cstor %q: %w: %s", args, err, exit.Stderr)
					}
					return string(out), err
				}
				images := imagesByConfig(t, s)
				lists[n] = list(t, images, run)
				cat(t, images, run)
			})
		}
	})
	compared := 0
	first := map[string]int{}
	for n, list := range lists {
		for _, config := range slices.Sorted(maps.Keys(list)) {
			m, again := first[config]
			if !again {
				first[config] = n
				continue
			}
			compared++
			if diff := gocmp.Diff(lists[m][config], list[config]); diff != "" {
				t.Errorf("image with config %s (-%s +%s):\n%s", config, listedStores[m], listedStores[n], diff)
			}
		}
	}
	t.Logf("%d listings compared", compared)
}

// imagesByConfig returns the ids of the images that have layers, by the digests of their configurations, in hex: those are the
// ids of images that were not pulled in parts.
func imagesByConfig(t *testing.T, s *corpus.Store) map[string]string {
	t.Helper()
	st, err := answer.OpenCstor(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	images := map[string]string{}
	for i, err := range st.Images() {
		if err != nil {
			t.Fatal(err)
		}
		layers, err := i.Layers()
		if err != nil && !errors.Is(err, cstor.ErrIsList) {
			t.Fatal(err)
		}
		if _, raw, err := i.Config(); err == nil && raw != nil && len(layers) > 0 {
			images[digest.FromBytes(raw).Encoded()] = i.ID()
		}
	}
	return images
}

// knownConfigs returns the names of all images of package fixture by configuration; of several the first.
func knownConfigs() map[string]string {
	known := map[string]string{}
	for _, i := range fixture.Images() {
		known[i.ID()] = cmp.Or(known[i.ID()], i.Ref)
	}
	for _, s := range fixture.Stacks() {
		known[s.ID()] = s.Name
	}
	return known
}

// list asks for everything in every image that other stores may have.
func list(t *testing.T, images map[string]string, run func(...string) (string, error)) map[string]listing {
	t.Helper()
	known := knownConfigs()
	lists := map[string]listing{}
	for config, id := range images {
		if known[config] == "" {
			continue
		}
		var l listing
		var err, errFiles, errTable error
		l.Paths, err = run("ls", "-R", id)
		if slices.Contains([]string{"gzip", "opaque", "links", "metadata", "implied"}, known[config]) {
			l.Files, errFiles = run("ls", "-R", "--format", "json", id)
			l.Table, errTable = run("toc", id)
			l.Files = withoutLayers(t, l.Files)
		}
		if err := errors.Join(err, errFiles, errTable); err != nil {
			t.Errorf("%s: %v", known[config], err)
		}
		lists[config] = l
	}
	if len(lists) == 0 {
		t.Error("no images")
	}
	return lists
}

// withoutLayers takes away the ids of layers, which the store may choose, and of directories without a header all that the
// disk says.
func withoutLayers(t *testing.T, lines string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(lines) {
		var file map[string]any
		if err := json.Unmarshal([]byte(line), &file); err != nil {
			t.Fatal(err)
		}
		if _, has := file["layer"]; !has {
			for _, key := range []string{"modTime", "mode", "uid", "gid"} {
				delete(file, key)
			}
		}
		delete(file, "layer")
		out, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(bytes.TrimSpace(out), '\n'))
	}
	return b.String()
}

// cat asks for single files.
func cat(t *testing.T, images map[string]string, run func(...string) (string, error)) {
	t.Helper()
	known := knownConfigs()
	asked := 0
	for config, id := range images {
		for _, f := range []struct{ image, path, content string }{
			{"gzip", "/etc/motd", "hello again\n"},
			{"gzip", "lib/becomes-dir/y", "y\n"}, // through a link of a lower layer
			{"gzip", "etc/absolute", "root:x:0:0:root:/root:/bin/sh\n"},
			{"gzip", "etc/gone", ""},
			{"plain", "/etc/../etc/./motd", "changed\n"},
			{"opaque", "d/last", "l\n"},
			{"opaque", "d/a", ""},
			{"recreated", "x", "2\n"},
			{"recreated", "i/old", ""},
			{"links", "n/third", "m\n"},
			{"through", "up/second", "2\n"},
			{fixture.Many, "counter", "63\n"},
		} {
			if known[config] != f.image {
				continue
			}
			asked++
			switch out, err := run("cat", id, f.path); {
			case (err != nil) != (f.content == ""):
				t.Errorf("%s: cat %s: %q, %v", f.image, f.path, out, err)
			case out != f.content:
				t.Errorf("%s: cat %s: %q, want %q", f.image, f.path, out, f.content)
			}
		}
	}
	if asked < 3 {
		t.Errorf("%d files were asked for", asked)
	}
}
