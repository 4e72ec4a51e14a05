package cstor_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
)

// TestInStore: a store of a mounted system is found by what it is, not by the path that it
// has there.
func TestInStore(t *testing.T) {
	t.Parallel()
	disk := t.TempDir()
	root := filepath.Join(disk, "var/lib/containers/storage")
	spec, err := storetest.Parse("layer base\n  file a 0644 \"a\"\nimage localhost/a:1 layer=base\n")
	if err != nil {
		t.Fatal(err)
	}
	made, err := spec.Build(root, storetest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := made.Remove(); err != nil {
			t.Error(err)
		}
	})
	if err := os.Symlink(filepath.Join(root, "overlay"), filepath.Join(disk, "link")); err != nil {
		t.Fatal(err)
	}
	s, err := cstor.Discover(t.Context(), cstor.DiscoverOptions{Sysroot: disk})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	image, err := s.Image("localhost/a:1")
	if err != nil {
		t.Fatal(err)
	}
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	const stored = "/var/lib/containers/storage"
	for dir, want := range map[string]string{
		root: stored, filepath.Join(root, "overlay"): stored, filepath.Join(disk, "link"): stored, disk: "", disk + "/link/../..": "", "/": "",
	} {
		for name, ask := range map[string]func(string) (string, error){"storage": s.InStore, "image": image.InStore, "layer": layers[0].InStore} {
			if got, err := ask(dir); got != want || err != nil {
				t.Errorf("%s: %s: %q, %v, want %q", name, dir, got, err, want)
			}
		}
	}
	if _, err := s.InStore(filepath.Join(disk, "none")); !os.IsNotExist(err) {
		t.Error(err)
	}
}
