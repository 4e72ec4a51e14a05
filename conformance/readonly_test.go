package conformance

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cstor-go/cstor/conformance/corpus"
)

// readOnly are stores of each shape, for the tests that watch cstor rather than compare it.
var readOnly = []string{
	"library-root", "library-root-vfs", "trixie-root", "trixie-root-split", "trixie-root-transient", "trixie-user-fuse",
	"sid-root-additional", "sid-root-composefs",
}

// TestReadOnlyMount asks cstor about stores on a read-only mount, with all lock files gone, and wants the answers that the
// same store gives otherwise.
func TestReadOnlyMount(t *testing.T) {
	for _, name := range readOnly {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := named(t, name)
			frozen := freeze(t, s)
			want, got := askCstor(t, s), askCstor(t, frozen)
			same(t, want.Store, got.Store)
			same(t, want.stacks, got.stacks)
			same(t, want.lookups, got.lookups)
			for id, tar := range want.tars {
				if got := got.tars[id]; got.Digest != tar.Digest || (got.Err == nil) != (tar.Err == nil) {
					t.Errorf("layer %s: %+v, elsewhere %+v", id, got, tar)
				}
			}
		})
	}
}

// freeze returns a copy of the store without lock files, on a read-only mount that ends with the test.
func freeze(t *testing.T, s *corpus.Store) *corpus.Store {
	t.Helper()
	dir := t.TempDir()
	copied, err := s.Copy(t.Context(), filepath.Join(dir, "copy"))
	if err != nil {
		t.Fatal(err)
	}
	removeLocks(t, copied.Base)
	mount := filepath.Join(dir, "mount")
	if err := os.Mkdir(mount, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount(copied.Base, mount, "", syscall.MS_BIND, ""); err != nil {
		if os.Getenv("CSTOR_REQUIRE_PEERS") == "1" {
			t.Fatal("bind mounts are not permitted: ", err)
		}
		t.Skipf("bind mounts are not permitted: %v", err)
	}
	t.Cleanup(func() {
		// A process that another test starts has all descriptors until it is executed.
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
		if err := syscall.Unmount(mount, 0); err != nil {
			t.Errorf("a descriptor was left open below the store: unmount: %v", err)
			_ = syscall.Unmount(mount, syscall.MNT_DETACH)
		}
	})
	if err := syscall.Mount("", mount, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(mount, "probe"), nil, 0o600); !errors.Is(err, syscall.EROFS) {
		t.Fatalf("the mount is not read-only: %v", err)
	}
	return s.At(mount)
}

func removeLocks(t *testing.T, dir string) {
	t.Helper()
	removed := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "diff" {
			return fs.SkipDir
		}
		if d.Type().IsRegular() && strings.HasSuffix(path, ".lock") {
			removed++
			return os.Remove(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if removed == 0 {
		t.Error("the store has no lock files")
	}
}
