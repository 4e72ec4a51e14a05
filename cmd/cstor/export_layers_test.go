package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
)

// TestIntoDirectoryCancelled: nothing is left of what was given up, nor the directory
// that was made for it.
func TestIntoDirectoryCancelled(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, "layer one\n  file a 0644 size=2M seed=1\nlayer two\n  file a 0644 size=1M seed=2\n", storetest.Options{})
	s, err := cstor.Open(t.Context(), made.Root, cstor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	var layers []*cstor.Layer
	for l, err := range s.Layers() {
		if err != nil {
			t.Fatal(err)
		}
		layers = append(layers, l)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	errEnough := errors.New("enough")
	cancel(errEnough)
	there, absent := t.TempDir(), filepath.Join(t.TempDir(), "new")
	for _, dir := range []string{there, absent} {
		e := layerExport{app: &app{stdout: io.Discard, stderr: io.Discard}, output: dir}
		if err := e.intoDirectory(ctx, s, layers); !errors.Is(err, errEnough) {
			t.Errorf("got %v, want the cause", err)
		}
		// In the middle of a layer.
		d, err := e.openDirectory(s, dir)
		if err != nil {
			t.Fatal(err)
		}
		out, err := e.createIn(s, d.path, "layer.tar")
		if err != nil {
			t.Fatal(err)
		}
		if err := e.write(ctx, layers[0], out); !errors.Is(err, errEnough) {
			t.Errorf("got %v, want the cause", err)
		}
		d.close()
		if len(e.parts.names) > 0 {
			t.Errorf("still to be removed: %v", e.parts.names)
		}
	}
	if left := names(t, there); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if _, err := os.Lstat(absent); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
}

// TestPartsRemoveAll: files that are not complete go, and directories that were made,
// unless something complete is in them.
func TestPartsRemoveAll(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	var p parts
	for _, dir := range []string{"empty", "part", "full", "kept"} {
		if err := p.mkdir(filepath.Join(root, dir)); err != nil {
			t.Fatal(err)
		}
	}
	p.keep(filepath.Join(root, "kept"))
	for _, name := range []string{"part/.a", "part/z", "full/.b", "full/complete"} {
		f, err := p.create(filepath.Join(root, name), 0o600)
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
	}
	if err := p.rename(filepath.Join(root, "full/complete"), filepath.Join(root, "full/layer.tar")); err != nil {
		t.Fatal(err)
	}
	p.removeAll()
	if got := names(t, root); !slices.Equal(got, []string{"full", "kept"}) {
		t.Errorf("left are %q", got)
	}
	if got := names(t, filepath.Join(root, "full")); !slices.Equal(got, []string{"layer.tar"}) {
		t.Errorf("left are %q", got)
	}
}
