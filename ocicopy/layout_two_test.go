package ocicopy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/cstor-go/cstor/ocicopy"
)

// begin begins a session without images.
func begin(t *testing.T, dir string) ocicopy.Session {
	t.Helper()
	s, err := ocicopy.Layout{Dir: dir}.Begin(t.Context(), nil, ocicopy.Options{})
	check(t, err)
	return s
}

// commit puts a small manifest under a name, and commits it.
func commit(t *testing.T, s ocicopy.Session, ref string) error {
	raw := []byte(ref)
	m := ocicopy.Manifest{Descriptor: v1.Descriptor{MediaType: v1.MediaTypeImageManifest, Digest: digest.FromBytes(raw), Size: int64(len(raw))}, Raw: raw, Ref: ref}
	if err := s.PutManifest(t.Context(), m); err != nil {
		return err
	}
	return s.Commit(t.Context())
}

// TestGivenUpBeside: who gives up leaves what another is about to use, and who is the last
// removes it.
func TestGivenUpBeside(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "layout")
	first := begin(t, dir)
	other := begin(t, dir)
	check(t, first.Close())
	check(t, commit(t, other, "r"))
	check(t, other.Close())
	if index, _ := readLayout(t, dir); len(index.Manifests) != 1 {
		t.Errorf("%v", index)
	}

	dir = filepath.Join(filepath.Dir(filepath.Dir(dir)), "b", "layout")
	first = begin(t, dir)
	check(t, begin(t, dir).Close())
	check(t, first.Close())
	if _, err := os.Stat(filepath.Dir(dir)); !os.IsNotExist(err) {
		t.Errorf("what was made for nothing is there: %v", err)
	}
}

// TestManyGiveUp: of many that come and go, those that commit are found.
func TestManyGiveUp(t *testing.T) {
	t.Parallel()
	for round := range 20 {
		dir := filepath.Join(t.TempDir(), "a", "layout")
		var all sync.WaitGroup
		for n := range 8 {
			all.Go(func() {
				s, err := ocicopy.Layout{Dir: dir}.Begin(t.Context(), nil, ocicopy.Options{})
				if err != nil {
					t.Error(err)
					return
				}
				if n%4 == 3 {
					err = commit(t, s, fmt.Sprint("r", n))
				}
				if cerr := s.Close(); err != nil || cerr != nil {
					t.Error(err, cerr)
				}
			})
		}
		all.Wait()
		if index, _ := readLayout(t, dir); len(index.Manifests) != 2 {
			t.Errorf("round %d: %v", round, index)
		}
	}
}
