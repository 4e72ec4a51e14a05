package conformance

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor/conformance/contents"
	"github.com/cstor-go/cstor/conformance/peers"
)

// TestRootlessStores reads stores of an ordinary user that are closed as in TestRootless, of each way in which layers lie on
// disk: by commands, which enter his user namespace, and by a program that stays outside of it and has a helper process. What
// he sees is what root sees of the same store, and what root's store of the same images has.
func TestRootlessStores(t *testing.T) {
	for _, name := range []string{"trixie-user", "trixie-user-fuse", "trixie-user-vfs", "sid-user", "sid-user-fuse"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := named(t, name)
			box, err := lab.Peer(strings.Split(name, "-")[0])
			if err != nil {
				t.Fatal(err)
			}
			closed, inside := closedCopy(t, box, s)
			layers := exactLayers(t, closed)
			image := examples(t, closed)["IMAGE"]
			t.Run("commands", func(t *testing.T) {
				script := rootlessScript(image, slices.Sorted(maps.Keys(layers)))
				user, err := asUser(t, box, inside, programs("newuidmap newgidmap nsenter")+script)
				if err != nil {
					t.Fatalf("%v\n%s", err, user)
				}
				root, err := box.Run(t.Context(), peers.Command{
					Env:    []string{"CSTOR=" + inside + "/cstor --root " + inside + "/root"},
					Script: "cd $(mktemp -d)\ncstor() { $CSTOR \"$@\"; }\n" + script,
				})
				if err != nil {
					t.Fatal(err)
				}
				if diff := gocmp.Diff(strings.Split(string(root), "\n"), strings.Split(user, "\n")); diff != "" {
					t.Errorf("(-root +user)\n%s", diff)
				}
				for id, diffID := range layers {
					if want := "export-layer " + id + " " + strings.TrimPrefix(diffID, "sha256:"); !strings.Contains(user, want) {
						t.Errorf("layer %s: not %s in\n%s", id, diffID, user)
					}
				}
			})
			t.Run("helper", func(t *testing.T) { rootlessHelper(t, box, inside, layers) })
		})
	}
}

// rootlessScript is a script that prints the checksums of what the commands print that read files of layers.
func rootlessScript(image string, layers []string) string {
	var script strings.Builder
	for _, c := range []string{
		"ls -lR", "toc", "toc --digests", "list-layers --quiet --no-trunc", "inspect-image --layers", "export-image -o -",
	} {
		fmt.Fprintf(&script, "echo %s $(cstor %[1]s %s | sha256sum)\n", c, image)
	}
	fmt.Fprintf(&script, "cstor cat %s etc/motd\n", image)
	fmt.Fprintf(&script, "cstor copy-to-oci -q --compression gzip %s oci-archive:/dev/null\n", image)
	fmt.Fprintf(&script, "cstor export-layer --quiet --image %s -o all; sha256sum all/*; rm -r all\n", image)
	for _, l := range layers {
		for _, c := range []string{"export-layer", "export-layer --approximate", "inspect-layer --chain", "toc --layer", "ls -lR --layer"} {
			fmt.Fprintf(&script, "echo %s %s $(cstor %[1]s %[2]s | sha256sum)\n", c, l)
		}
	}
	return script.String()
}

// rootlessHelper compares what this program reads as the user through a helper process with what root reads, who needs none.
func rootlessHelper(t *testing.T, box *peers.Peer, inside string, layers map[string]string) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// It may be on another file system.
	if out, err := exec.CommandContext(t.Context(), "cp", self, filepath.Join(box.Root, inside, "reader")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ask := func(user bool, helped string) *contents.Read {
		t.Helper()
		var out []byte
		var err error
		script := contents.ReadEnv + "=" + helped + inside + "/root PATH=$OUT/bin " + inside + "/reader"
		if user {
			var text string
			text, err = asUser(t, box, inside, programs("newuidmap newgidmap")+script+leftReaders(inside))
			out = []byte(text)
		} else {
			out, err = box.Run(t.Context(), peers.Command{Script: script, Env: []string{"OUT=/nowhere"}})
		}
		if err != nil {
			t.Fatal(err)
		}
		read := &contents.Read{}
		if err := gob.NewDecoder(bytes.NewReader(out)).Decode(read); err != nil {
			t.Fatal(err)
		}
		return read
	}
	want, got, without := ask(false, ""), ask(true, contents.Helped), ask(true, "")
	if without.Refused == 0 {
		t.Error("the user may read everything without help: the test is void")
	}
	if got.Refused > 0 || want.Refused > 0 {
		t.Errorf("%d times permission was denied to the helper, %d to root", got.Refused, want.Refused)
	}
	if diff := gocmp.Diff(want.Tars, got.Tars); diff != "" {
		t.Errorf("(-root +helped)\n%s", diff)
	}
	for id, diffID := range layers {
		if got.Tars[id] != diffID {
			t.Errorf("layer %s: %s, want %s", id, got.Tars[id], diffID)
		}
	}
	if len(want.Images) < 5 {
		t.Errorf("%d images", len(want.Images))
	}
	for id, tree := range want.Images {
		for _, d := range contents.Differences(tree, got.Images[id]) {
			t.Errorf("image %s: %s", id, d)
		}
	}
}

// leftReaders is the end of a script that ran the reader of a store: it fails if anything was written to the standard error
// stream, or if one of that reader's processes is left a while later. (Those of other stores' readers may run beside it.)
func leftReaders(inside string) string {
	return `
		left() { ls -l /proc/[0-9]*/exe 2> /dev/null | grep " -> ` + inside + `/reader\$"; }
		for i in $(seq 50); do left > /dev/null || break; sleep 0.1; done
		left >&2 || :
		[ ! -s $OUT/errors ]
	`
}
