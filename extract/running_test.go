package extract_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/extract"
	"github.com/cstor-go/cstor/internal/storetest"
)

// TestRunning extracts a container that writes all the time. What comes out is a whole tar, or an error that says which file
// has changed.
func TestRunning(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, stackSpec+"container c image=i\n", storetest.Options{})
	s, err := cstor.Open(t.Context(), made.Root, cstor.Options{})
	check(t, err)
	defer s.Close()
	c, err := s.Container("c")
	check(t, err)
	layers, err := c.Layers()
	check(t, err)
	root := made.Container("c").Layer.Diff
	check(t, os.Chmod(root, 0o755))
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		r := rand.New(rand.NewPCG(1, 2))
		for {
			select {
			case <-stop:
				return
			default:
			}
			dir := filepath.Join(root, fmt.Sprint("d", r.IntN(3)))
			name := filepath.Join(dir, fmt.Sprint(r.IntN(30)))
			switch r.IntN(10) {
			case 0:
				_ = os.RemoveAll(dir)
			case 1:
				_ = os.Remove(name)
			case 2:
				_ = os.Mkdir(name, 0o755)
			case 3:
				_ = os.Truncate(name, r.Int64N(1<<20))
			case 4:
				_ = os.Rename(name, filepath.Join(dir, "renamed"))
			default:
				_ = os.Mkdir(dir, 0o755)
				_ = os.WriteFile(name, make([]byte, r.IntN(1<<18)), 0o644)
			}
		}
	}()
	runs := 60
	if testing.Short() {
		runs = 10
	}
	whole, changed := 0, 0
	out := t.TempDir()
	t.Cleanup(func() { // so that an ordinary user can remove it
		_ = filepath.WalkDir(out, func(name string, d fs.DirEntry, _ error) error {
			if d != nil && d.IsDir() {
				_ = os.Chmod(name, 0o700)
			}
			return nil
		})
	})
	fine := func(err error) bool {
		t.Helper()
		entry := (*extract.EntryError)(nil)
		switch {
		case err == nil:
			whole++
			return true
		case errors.Is(err, cstor.ErrChanged) && errors.As(err, &entry) && entry.Layer.ID() == c.LayerID():
			changed++
		default:
			t.Errorf("%v", err)
		}
		return false
	}
	for n := range runs {
		var b bytes.Buffer
		_, err := extract.Tar(t.Context(), layers, &b, extract.TarOptions{})
		if fine(err) {
			r := tar.NewReader(&b)
			for err = nil; err == nil; {
				if _, err = r.Next(); err == nil {
					_, err = io.Copy(io.Discard, r)
				}
			}
			if !errors.Is(err, io.EOF) {
				t.Error(err)
			}
		}
		dir := filepath.Join(out, fmt.Sprint(n))
		_, err = extract.Dir(t.Context(), layers, dir, extract.Options{Reflink: extract.ReflinkNever, NoSameOwner: true, Lossy: true})
		if !fine(err) {
			if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s is there: %v", dir, err)
			}
		}
	}
	close(stop)
	<-stopped
	t.Logf("%d whole, %d changed", whole, changed)
	if changed == 0 {
		t.Error("nothing has changed")
	}
}
