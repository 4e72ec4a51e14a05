package conformance

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cstor-go/cstor"

	"github.com/cstor-go/cstor/conformance/answer"
	"github.com/cstor-go/cstor/conformance/corpus"
	"github.com/cstor-go/cstor/conformance/fixture"
	"github.com/cstor-go/cstor/conformance/peers"
)

// TestRootless runs the cstor binary as an ordinary user on a store of his own, where it starts itself anew through the
// user's podman. All files of the layers are given to a subordinate id before, and closed to others: only somebody in the
// user namespace can read them. (The tars do not change by it: owners and modes come from the record of each tar.)
func TestRootless(t *testing.T) {
	box, err := lab.Peer("trixie")
	if errors.Is(err, peers.ErrMissing) && !peers.Required("trixie") {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	s, inside := closedCopy(t, box, named(t, "trixie-user"))
	layers := exactLayers(t, s)
	var script strings.Builder
	script.WriteString("$CSTOR list-images --quiet --no-trunc > $OUT/images\n")
	for id := range layers {
		fmt.Fprintf(&script, "$CSTOR export-layer %s -o $OUT/%[1]s.tar\necho %[1]s sha256:$(sha256sum < $OUT/%[1]s.tar | cut -d' ' -f1)\n", id)
	}

	t.Run("podman", func(t *testing.T) {
		out, err := asUser(t, box, inside, script.String()+"cat $OUT/errors\n[ ! -s $OUT/errors ]\n")
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for id, diffID := range layers {
			if !strings.Contains(out, id+" "+diffID+"\n") {
				t.Errorf("layer %s: want %s in\n%s", id, diffID, out)
			}
		}
		images, err := os.ReadFile(filepath.Join(s.Base, "out", "images"))
		if err != nil {
			t.Fatal(err)
		}
		if len(strings.Fields(string(images))) < 5 {
			t.Errorf("few images are listed: %q", images)
		}
	})
	t.Run("no podman", func(t *testing.T) {
		id := slices.Sorted(maps.Keys(layers))[0]
		out, err := asUser(t, box, inside, fmt.Sprintf("if PATH=/nowhere $CSTOR export-layer %s > /dev/null; then echo it can; fi\ncat $OUT/errors\n", id))
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if strings.Contains(out, "it can") {
			t.Errorf("layer %s could be read outside the user namespace: the test is void", id)
		}
		if !strings.Contains(out, "warning: ") || !strings.Contains(out, "podman") {
			t.Errorf("layer %s: no warning that podman is missing: %q", id, out)
		}
	})
}

// asUser runs a script as u1 in the box and returns what it prints; what cstor says on standard error goes to $OUT/errors.
// The process by which podman keeps the user namespace ends with it.
func asUser(t *testing.T, box *peers.Peer, inside, script string) (string, error) {
	t.Helper()
	out, err := box.Run(t.Context(), peers.Command{
		User: true,
		Env: []string{
			"CSTOR=" + inside + "/cstor", "OUT=" + inside + "/out", "HOME=" + inside + "/out/home",
			"XDG_RUNTIME_DIR=" + inside + "/run", "CONTAINERS_STORAGE_CONF=" + inside + "/out/storage.conf",
		},
		Script: "set -o pipefail\ntrap 'kill $(cat $XDG_RUNTIME_DIR/libpod/tmp/pause.pid) 2> /dev/null || :' EXIT\ncd $OUT\n" +
			"exec 2> $OUT/errors\n" + script,
	})
	if err != nil {
		said, _ := os.ReadFile(filepath.Join(box.Root, inside, "out", "errors"))
		err = fmt.Errorf("%w: %s", err, said)
	}
	return string(out), err
}

// closedCopy copies a store within its box, with the cstor binary, and gives the files of its layers to a subordinate id of
// u1. It returns the copy, and its folder as the box sees it.
func closedCopy(t *testing.T, box *peers.Peer, s *corpus.Store) (copied *corpus.Store, inside string) {
	t.Helper()
	dir := s.Base + "-rootless"
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	copied, err := s.Copy(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	inside = "/" + strings.TrimPrefix(strings.TrimPrefix(dir, box.Root), "/")
	binary, err := os.ReadFile(cstorBinary(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "cstor"), binary, 0o755); err != nil {
		t.Fatal(err)
	}
	conf := s.At(inside).Configuration()
	if err := os.WriteFile(filepath.Join(dir, "out", "storage.conf"), []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = box.Run(t.Context(), peers.Command{Script: `
		id=$(sed -n 's/^u1:\([0-9]*\):.*/\1/p' /etc/subuid)
		# Podman keeps where its store lies, and by which process its user namespace: it would refuse others.
		rm -rf ` + inside + `/root/libpod ` + inside + `/root/db.sql ` + inside + `/run/libpod ` + inside + `/run/tmp
		find ` + inside + `/root/overlay/*/diff -type f -exec chown $id:$id {} + -exec chmod 400 {} +`})
	if err != nil {
		t.Fatal(err)
	}
	return copied, inside
}

// exactLayers returns the diff ids of the layers of an image whose tars can be had exactly, by layer id. It takes the image
// with the most layers.
func exactLayers(t *testing.T, s *corpus.Store) map[string]string {
	t.Helper()
	st, err := answer.OpenCstor(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	best := map[string]string{}
	for i, err := range st.Images() {
		if err != nil {
			t.Fatal(err)
		}
		layers, err := i.Layers()
		if err != nil && !errors.Is(err, cstor.ErrIsList) {
			t.Fatal(err)
		}
		ids := map[string]string{}
		for _, l := range layers {
			if known, _ := fixture.ByDiffID(l.DiffID().String()); l.DiffID() != "" && known.Fate == fixture.Exact {
				ids[l.ID()] = l.DiffID().String()
			}
		}
		if len(ids) == len(layers) && len(ids) > len(best) {
			best = ids
		}
	}
	if len(best) < 2 {
		t.Fatal("no image has several layers")
	}
	return best
}
