package conformance

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/extract"

	"github.com/cstor-go/cstor/conformance/contents"
)

// TestExtracted extracts every image of every store, as a directory on each of several file systems, and as a flat tar that GNU tar
// unpacks, and compares what is then on disk with the tree by the headers, of which TestMerged tells where it is as mounts and umoci
// show it. There is one exception: directories that no header names, which are as the store's disk has them.
func TestExtracted(t *testing.T) {
	needRoot(t)
	targets := fileSystems(t)
	t.Run("stores", func(t *testing.T) {
		for _, c := range contentStores {
			t.Run(c.Name, func(t *testing.T) {
				t.Parallel()
				s := built(t, c)
				images, paths := 0, 0
				eachImage(t, c, s, func(name string, layers []*cstor.Layer) {
					if isContainer(layers) {
						return
					}
					x := look(t, c, name, layers)
					for _, at := range targets {
						extracted(t, x, at)
					}
					unpacked(t, x)
					images, paths = images+1, paths+len(x.tree)
				})
				t.Logf("%d images, %d paths", images, paths)
			})
		}
	})
}

func isContainer(layers []*cstor.Layer) bool {
	top := layers[len(layers)-1]
	return top.DiffID() == "" && top.TOCDigest() == ""
}

// target is a directory to extract to, on a file system that takes links of up to so many bytes.
type target struct {
	dir     string
	maxLink int
}

// fileSystems are on file systems in files, where they can be had, and one is where the tests run.
func fileSystems(t *testing.T) (targets []target) {
	t.Helper()
	for mkfs, maxLink := range map[string]int{"mkfs.ext4": 4095, "mkfs.xfs": 1023, "mkfs.btrfs": 4095} {
		if _, err := exec.LookPath(mkfs); err != nil {
			t.Logf("no %s: %v", mkfs, err)
			continue
		}
		image, dir := filepath.Join(t.TempDir(), "image"), t.TempDir()
		if err := errors.Join(os.WriteFile(image, nil, 0o600), os.Truncate(image, 2<<30)); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), mkfs, "-q", image).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", mkfs, err, out)
		}
		if out, err := exec.CommandContext(t.Context(), "mount", "-o", "loop", image, dir).CombinedOutput(); err != nil {
			t.Logf("%s: %v: %s", mkfs, err, out) // the kernel does not know it, or lets us have no loop device
			continue
		}
		t.Cleanup(func() {
			if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
				t.Error(err)
			}
		})
		targets = append(targets, target{dir, maxLink})
	}
	return append(targets, target{t.TempDir(), 4095})
}

// extracted makes a directory, compares it and removes it.
func extracted(t *testing.T, x *looked, at target) {
	t.Helper()
	dir := filepath.Join(at.dir, x.Corpus.Name)
	report, err := extract.Dir(t.Context(), x.layers, dir, extract.Options{Reflink: extract.ReflinkAuto})
	if errors.Is(err, unix.ENAMETOOLONG) && slices.ContainsFunc(slices.Collect(maps.Values(x.tree)), func(n *contents.Node) bool { return len(n.Link) > at.maxLink }) {
		if _, err := os.Lstat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %s is there: %v", x, dir, err)
		}
		return
	}
	if err != nil || report.Lost.Any() {
		t.Errorf("%s: %+v, %v", x, report, err)
		return
	}
	sameOnDisk(t, x, dir)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
}

// unpacked compares what GNU tar makes of the flat tar.
func unpacked(t *testing.T, x *looked) {
	t.Helper()
	var flat bytes.Buffer
	if _, err := extract.Tar(t.Context(), x.layers, &flat, extract.TarOptions{}); err != nil {
		t.Errorf("%s: flat tar: %v", x, err)
		return
	}
	dir := filepath.Join(t.TempDir(), "unpacked")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	tar := exec.CommandContext(t.Context(), "tar", "-xp", "--numeric-owner", "--xattrs", "--xattrs-include=*", "-C", dir)
	tar.Stdin = &flat
	if out, err := tar.CombinedOutput(); err != nil {
		t.Errorf("%s: tar: %v: %s", x, err, out)
		return
	}
	sameOnDisk(t, x, dir)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
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
