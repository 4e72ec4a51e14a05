package conformance

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"go.podman.io/storage/pkg/lockfile"

	"github.com/cstor-go/cstor"
)

// TestLock: cstor's lock and the one that podman and the others take keep each other out.
func TestLock(t *testing.T) {
	for _, name := range []string{"library-root", "trixie-root-split"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := named(t, name)
			copied, err := s.Copy(t.Context(), filepath.Join(t.TempDir(), "copy"))
			if err != nil {
				t.Fatal(err)
			}
			st, err := cstor.Open(t.Context(), copied.GraphRoot, cstor.Options{ImageStore: copied.ImageStore, Lock: true})
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			l, err := st.Layer(examples(t, copied)["LAYER"])
			if err != nil {
				t.Fatal(err)
			}
			for _, root := range []string{copied.GraphRoot, copied.ImageStore} {
				if root == "" {
					continue
				}
				path := filepath.Join(root, "overlay-layers/layers.lock")
				theirs, err := lockfile.GetLockFile(path)
				if err != nil {
					t.Fatal(err)
				}
				r, err := l.Tar(t.Context(), cstor.TarOptions{})
				if err != nil {
					t.Fatal(err)
				}
				had := make(chan struct{})
				go func() {
					theirs.Lock()
					close(had)
				}()
				select {
				case <-had:
					t.Errorf("%s: a writer got in while a tar was read", path)
				case <-time.After(300 * time.Millisecond):
				}
				r.Close()
				select {
				case <-had:
				case <-time.After(30 * time.Second):
					t.Fatalf("%s: a writer does not get in when nothing is read any more", path)
				}
				if _, err := l.Tar(t.Context(), cstor.TarOptions{}); !errors.Is(err, cstor.ErrLocked) {
					t.Errorf("%s: while a writer holds the lock: %v", path, err)
				}
				theirs.Unlock()
			}
		})
	}
}
