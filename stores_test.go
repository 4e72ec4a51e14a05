package cstor_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
)

// TestAdditionalStore: a child image in the primary, its parents in another store.
func TestAdditionalStore(t *testing.T) {
	t.Parallel()
	shared := storetest.New(t, `
layer base
  file etc/base 0644 "base"
image docker.io/library/base:latest layer=base
image localhost/both:latest layer=base
`, storetest.Options{NoLocks: true})
	made := storetest.New(t, `
layer child parent=base
  file etc/child 0644 "child"
image localhost/child:latest layer=child
`, storetest.Options{Parents: []*storetest.Store{shared}})
	missing := filepath.Join(t.TempDir(), "missing")
	s, err := cstor.Open(t.Context(), made.Root, cstor.Options{AdditionalImageStores: []string{missing, shared.Root}})
	check(t, err)
	defer s.Close()
	if w := s.Warnings(); len(w) != 1 || !strings.Contains(w[0].Error(), missing) {
		t.Errorf("warnings %v", w)
	}
	layers, err := image(t, s, "child").Layers()
	check(t, err)
	if len(layers) != 2 || layers[0].ID() != shared.Layer("base").ID {
		t.Fatalf("layers %v", layers)
	}
	check(t, layers[1].CheckLower())
	if _, role := layers[0].Store(); role != cstor.RoleAdditional {
		t.Errorf("role %s", role)
	}
	for n, want := range [][]byte{shared.Layer("base").Tar, made.Layer("child").Tar} {
		var b bytes.Buffer
		_, err := layers[n].WriteTar(t.Context(), &b, cstor.WriteOptions{})
		if check(t, err); !bytes.Equal(b.Bytes(), want) {
			t.Errorf("layer %d differs", n)
		}
	}
	info, err := s.Info()
	check(t, err)
	if len(info.Stores) != 2 || info.Stores[1].Role != cstor.RoleAdditional || info.Stores[1].Layers != 1 {
		t.Errorf("%+v", info.Stores)
	}
}

// TestShadowedNames: a name in an additional store does not count if the primary
// has the same image under other names.
func TestShadowedNames(t *testing.T) {
	t.Parallel()
	const layer = "layer a\n  file a 0644 \"a\"\n"
	primary := storetest.New(t, layer+"image localhost/new:latest layer=a", storetest.Options{})
	other := storetest.New(t, layer+"image localhost/old:latest layer=a", storetest.Options{})
	if primary.Image("localhost/new:latest").ID != other.Image("localhost/old:latest").ID {
		t.Fatal("the same image was expected in both")
	}
	s, err := cstor.Open(t.Context(), primary.Root, cstor.Options{AdditionalImageStores: []string{other.Root}})
	check(t, err)
	defer s.Close()
	if i, err := s.Image("new"); err != nil || len(i.Names()) != 1 {
		t.Errorf("%v, %v", i, err)
	}
	if i, err := s.Image("localhost/old:latest"); !errors.Is(err, cstor.ErrNotFound) {
		t.Errorf("%v, %v", i, err)
	}
	n := 0
	for range s.Images() {
		n++
	}
	if n != 1 {
		t.Errorf("%d images", n)
	}
}

// TestDuplicates: what the writers do about records that should not be there twice.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, storetest.Sample, storetest.Options{})
	const (
		images = `[{"id":"i","names":["localhost/x:1"],"created":"2024-01-01T00:00:00Z"},
			{"id":"j","names":["localhost/x:1"]},{"id":"i","names":["localhost/y:1"],"created":"2025-01-01T00:00:00Z"}]`
		layers = `[{"id":"l","parent":"a"},{"id":"l","parent":"b"},{"id":"m","names":["n"]},{"id":"o","names":["n"]}]`
	)
	made.Apply(t, storetest.WriteFile("overlay-images/images.json", images), storetest.WriteFile("overlay-layers/layers.json", layers))
	s := open(t, made)
	if i := image(t, s, "i"); i.Created().Year() != 2025 {
		t.Errorf("of images, the last counts: %v", i.Created())
	}
	if i := image(t, s, "localhost/x:1"); i.ID() != "j" {
		t.Errorf("of names, the last counts: %v", i)
	}
	if l, err := s.Layer("n"); err != nil || l.ID() != "o" {
		t.Errorf("of names, the last counts: %v, %v", l, err)
	}
	if l, err := s.Layer("l"); err != nil || l.ParentID() != "a" {
		t.Errorf("of layers, the first counts: %v, %v", l.ParentID(), err)
	}
}

func TestTransient(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	run := filepath.Join(root, "run")
	made := storetest.New(t, storetest.Sample, storetest.Options{Transient: true, RunRoot: run})
	s, err := cstor.Open(t.Context(), made.Root, cstor.Options{Transient: true, RunRoot: made.RunRoot})
	check(t, err)
	defer s.Close()
	c, err := s.Container("work")
	check(t, err)
	if layers, err := c.Layers(); err != nil || len(layers) != 4 {
		t.Errorf("%v, %v", layers, err)
	}
	gone, err := cstor.Open(t.Context(), made.Root, cstor.Options{Transient: true, RunRoot: filepath.Join(root, "not there")})
	check(t, err)
	defer gone.Close()
	if _, err := gone.Container("work"); !errors.Is(err, cstor.ErrNotFound) {
		t.Errorf("after a reboot: %v", err)
	}
	check(t, os.Rename(run, filepath.Join(root, "not there")))
	if changed, err := gone.Refresh(t.Context()); !changed || err != nil {
		t.Errorf("the run root is there: %v, %v", changed, err)
	}
	if _, err := gone.Container("work"); err != nil {
		t.Error(err)
	}
	if changed, err := gone.Refresh(t.Context()); changed || err != nil {
		t.Errorf("nothing happened: %v, %v", changed, err)
	}
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, storetest.Sample, storetest.Options{})
	s := open(t, made)
	old := image(t, s, "sample")
	if changed, err := s.Refresh(t.Context()); changed || err != nil {
		t.Fatalf("nothing happened: %v, %v", changed, err)
	}
	made.Apply(t, storetest.EditImage("localhost/tools:latest", func(r map[string]any) { r["names"] = []any{"localhost/renamed:latest"} }))
	if _, err := s.Image("renamed"); !errors.Is(err, cstor.ErrNotFound) {
		t.Errorf("before Refresh: %v", err)
	}
	if changed, err := s.Refresh(t.Context()); !changed || err != nil {
		t.Fatalf("%v, %v", changed, err)
	}
	image(t, s, "renamed")
	if layers, err := old.Layers(); err != nil || len(layers) != 3 {
		t.Errorf("values of the old snapshot stay: %v, %v", layers, err)
	}
	check(t, made.Written("images")) // a new token alone
	if changed, err := s.Refresh(t.Context()); !changed || err != nil {
		t.Errorf("token: %v, %v", changed, err)
	}
	check(t, os.Remove(filepath.Join(made.Root, "overlay-layers/layers.json")))
	if changed, err := s.Refresh(t.Context()); !changed || err != nil {
		t.Errorf("removed: %v, %v", changed, err)
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, storetest.Sample, storetest.Options{})
	s, err := cstor.Open(t.Context(), made.Root, cstor.Options{})
	check(t, err)
	i := image(t, s, "sample")
	l, err := s.Layer(made.Layer("base").ID)
	check(t, err)
	f, err := l.OpenFile("etc/hostname")
	check(t, err)
	defer f.Close()
	check(t, s.Close())
	check(t, s.Close())
	if b, err := io.ReadAll(f); err != nil || string(b) != "sample\n" {
		t.Errorf("a file that was open: %q, %v", b, err)
	}
	if i.ID() == "" || i.Names() == nil {
		t.Error("what was read is gone")
	}
	_, err1 := s.Image("sample")
	_, err2 := l.OpenFile("etc/hostname")
	_, err3 := l.Tar(t.Context(), cstor.TarOptions{})
	_, _, err4 := i.Manifest()
	_, err5 := s.Refresh(t.Context())
	_, err6 := s.Info()
	_, err7 := l.Link()
	for n, err := range []error{err1, err2, err3, err4, err5, err6, err7} {
		if !errors.Is(err, fs.ErrClosed) {
			t.Errorf("call %d: %v", n+1, err)
		}
	}
	for _, err := range s.Layers() {
		if !errors.Is(err, fs.ErrClosed) {
			t.Error(err)
		}
	}
}

// TestTreesAreNotKept: looking into many layers does not use up the descriptors.
func TestTreesAreNotKept(t *testing.T) {
	many, err := storetest.Many(20, 200)
	check(t, err)
	made := many.New(t, storetest.Options{})
	s := open(t, made)
	count := func() int {
		fds, err := os.ReadDir("/proc/self/fd")
		check(t, err)
		return len(fds)
	}
	before := count()
	n := 0
	for l, err := range s.Layers() {
		check(t, err)
		_, err = l.WriteTar(t.Context(), io.Discard, cstor.WriteOptions{})
		check(t, err)
		_, err = l.ReadDir("")
		check(t, err)
		n++
	}
	if after := count(); n != 200 || after > before+170 { // two each of 64 trees, and what other tests do
		t.Errorf("%d descriptors after %d layers, %d before", after, n, before)
	}
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, storetest.Sample, storetest.Options{})
	s, err := cstor.Open(t.Context(), made.Root, cstor.Options{})
	check(t, err)
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for range 20 {
				i, err := s.Image("sample")
				if err != nil {
					if !errors.Is(err, fs.ErrClosed) {
						t.Error(err)
					}
					return
				}
				layers, err := i.Layers()
				if err != nil {
					t.Error(err)
					return
				}
				_, err = layers[n%len(layers)].WriteTar(t.Context(), io.Discard, cstor.WriteOptions{})
				if err != nil && !errors.Is(err, fs.ErrClosed) {
					t.Error(err)
				}
				if _, err := s.Refresh(t.Context()); err != nil && !errors.Is(err, fs.ErrClosed) {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() { _ = s.Close() })
	wg.Wait()
}

// TestWritersMeanwhile: while a list is replaced again and again, a snapshot never
// mixes two states of the store.
func TestWritersMeanwhile(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, storetest.Sample, storetest.Options{})
	images, layers := filepath.Join(made.Root, "overlay-images/images.json"), filepath.Join(made.Root, "overlay-layers/layers.json")
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	replace := func(path, text string) {
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Error(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Error(err)
		}
	}
	slow := strings.Repeat(" ", 1<<20) // so that reading it takes a moment
	state := func(id string) {         // the layer first, then the image that needs it, as a pull does
		replace(images, "[]")
		replace(layers, `[{"id":"`+id+`"}]`)
		replace(images, `[{"id":"i","layer":"`+id+`"}]`+slow)
	}
	state("a")
	wg.Go(func() {
		for ctx.Err() == nil {
			state("a")
			state("b")
		}
	})
	read := 0
	for range 300 {
		s, err := cstor.Open(t.Context(), made.Root, cstor.Options{})
		if errors.Is(err, cstor.ErrBusy) {
			continue
		}
		check(t, err)
		read++
		for i, err := range s.Images() {
			check(t, err)
			if _, err := i.Layers(); err != nil {
				t.Errorf("torn: %v", err)
			}
		}
		check(t, s.Close())
	}
	stop()
	wg.Wait()
	if read < 100 {
		t.Errorf("only %d of 300 tries gave an answer", read)
	}
}
