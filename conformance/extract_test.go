package conformance

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/extract"

	"github.com/cstor-go/cstor/conformance/contents"
)

// TestExtracted extracts every image of every store, as a directory and as a flat tar that GNU tar unpacks, and compares what is
// then on disk with the tree by the headers, of which TestMerged tells where it is as mounts and umoci show it. There is one exception:
// directories that no header names, which are as the store's disk has them.
func TestExtracted(t *testing.T) {
	needRoot(t)
	for _, c := range contentStores {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			s := built(t, c)
			images, paths := 0, 0
			eachImage(t, c, s, func(name string, layers []*cstor.Layer) {
				if top := layers[len(layers)-1]; top.DiffID() == "" && top.TOCDigest() == "" {
					return // a container
				}
				x := look(t, c, name, layers)
				dir := t.TempDir()
				whole, unpacked := filepath.Join(dir, "whole"), filepath.Join(dir, "unpacked")
				report, err := extract.Dir(t.Context(), layers, whole, extract.Options{Reflink: extract.ReflinkAuto})
				if err != nil || report.Lost.Any() {
					t.Errorf("%s: %+v, %v", x, report, err)
					return
				}
				sameOnDisk(t, x, whole)
				var flat bytes.Buffer
				if _, err := extract.Tar(t.Context(), layers, &flat, extract.TarOptions{}); err != nil {
					t.Errorf("%s: flat tar: %v", x, err)
					return
				}
				tar := exec.CommandContext(t.Context(), "tar", "-xp", "--numeric-owner", "--xattrs", "--xattrs-include=*", "-C", unpacked)
				tar.Stdin = &flat
				if err := os.Mkdir(unpacked, 0o700); err != nil {
					t.Fatal(err)
				}
				if out, err := tar.CombinedOutput(); err != nil {
					t.Errorf("%s: tar: %v: %s", x, err, out)
					return
				}
				sameOnDisk(t, x, unpacked)
				images, paths = images+1, paths+len(x.tree)
				if err := os.RemoveAll(dir); err != nil {
					t.Fatal(err)
				}
			})
			t.Logf("%d images, %d paths", images, paths)
		})
	}
}

// sameOnDisk compares a directory with what the headers say.
func sameOnDisk(t *testing.T, x *looked, dir string) {
	t.Helper()
	got, err := contents.OnDisk(dir)
	if err != nil {
		t.Errorf("%s: %v", x, err)
		return
	}
	n := 0
	for _, d := range contents.Differences(x.tree, got) {
		if of, ok := x.merged.Lookup(d.Path); ok && of.Layer < 0 && isMetadata(d) {
			continue
		}
		if n++; n <= 10 {
			t.Errorf("%s: %s: %s", x, filepath.Base(dir), d)
		}
	}
}
