package cstor_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
)

// usersDisk is a disk with a store of each of some users, beside root who has none.
func usersDisk(t *testing.T, users ...string) (disk string, stores map[string]*storetest.Store) {
	t.Helper()
	disk, stores = t.TempDir(), map[string]*storetest.Store{}
	var passwd strings.Builder
	passwd.WriteString("root:x:0:0::/root:/bin/sh\n")
	for _, u := range users {
		passwd.WriteString(u + ":x:1000:1000::/home/" + u + ":/bin/sh\n")
		stores[u] = builtStore(t, filepath.Join(disk, "home", u, ".local/share/containers/storage"),
			"layer base\n  file a 0644 \""+u+"\"\nimage localhost/"+u+":1 layer=base", storetest.Options{})
	}
	write(t, filepath.Join(disk, "etc/passwd"), passwd.String())
	return disk, stores
}

func warned(s *cstor.Storage, text string) bool {
	for _, w := range s.Warnings() {
		if strings.Contains(w.Error(), text) {
			return true
		}
	}
	return false
}

// TestMountedWithoutImageStore: a user whose image store is not there is left out with a
// warning, and nothing of what was opened remains.
func TestMountedWithoutImageStore(t *testing.T) {
	t.Parallel()
	disk, _ := usersDisk(t, "alice", "bob")
	write(t, filepath.Join(disk, "home/alice/.config/containers/storage.conf"), "[storage]\nimagestore = \"/nowhere\"\n")
	s, err := cstor.Discover(t.Context(), cstor.DiscoverOptions{Sysroot: disk, Lock: true})
	check(t, err)
	defer s.Close()
	if !warned(s, "/nowhere") || !warned(s, "alice") {
		t.Errorf("warnings %v", s.Warnings())
	}
	if i, err := s.Image("alice:1"); !errors.Is(err, cstor.ErrNotFound) {
		t.Errorf("half a store: %v, %v", i, err)
	}
	layers, err := image(t, s, "bob:1").Layers()
	check(t, err)
	_, err = layers[0].ReadDir(".")
	check(t, err)
	if s, err := cstor.Discover(t.Context(), cstor.DiscoverOptions{Sysroot: disk, ImageStore: "/nowhere"}); err == nil || !strings.Contains(err.Error(), "/nowhere") {
		t.Errorf("nobody's image store is there: %v, %v", s, err)
	}
}

// TestMountedLimits: what one user has written does not keep others' stores from being
// read.
func TestMountedLimits(t *testing.T) {
	t.Parallel()
	disk, stores := usersDisk(t, "alice", "bob")
	for _, list := range []string{"images/images.json", "layers/layers.json", "containers/containers.json"} {
		f, err := os.OpenFile(filepath.Join(stores["alice"].Root, "overlay-"+list), os.O_CREATE|os.O_WRONLY, 0o644)
		check(t, err)
		check(t, errors.Join(f.Truncate(60<<20), f.Close())) // a hole
	}
	s, err := cstor.Discover(t.Context(), cstor.DiscoverOptions{Sysroot: disk})
	check(t, err)
	defer s.Close()
	if !warned(s, "alice left out") {
		t.Errorf("warnings %v", s.Warnings())
	}
	image(t, s, "bob:1")
	if changed, err := s.Refresh(t.Context()); changed || err != nil {
		t.Errorf("%v, %v", changed, err)
	}

	write(t, filepath.Join(disk, "etc/passwd"), strings.Repeat("#", 5<<20))
	roots := builtStore(t, filepath.Join(disk, "var/lib/containers/storage"), "layer l\nimage localhost/roots:1 layer=l", storetest.Options{})
	s, err = cstor.Discover(t.Context(), cstor.DiscoverOptions{Sysroot: disk})
	check(t, err)
	defer s.Close()
	if image(t, s, "roots:1").ID() != roots.Image("localhost/roots:1").ID || !warned(s, "passwd") {
		t.Errorf("warnings %v", s.Warnings())
	}
}

// TestMountedFindings: what was considered is told as long as that takes no more than some
// memory.
func TestMountedFindings(t *testing.T) {
	t.Parallel()
	disk, _ := usersDisk(t, "alice")
	passwd := []byte("alice:x:1000:1000::/home/alice:/bin/sh\n")
	for n := range 1000 {
		passwd = fmt.Appendf(passwd, "u%d:x:1001:1001::/%d%s:/bin/sh\n", n, n, strings.Repeat("/long", 700))
	}
	write(t, filepath.Join(disk, "etc/passwd"), string(passwd))
	for n := range 50 {
		write(t, filepath.Join(disk, "etc/containers/storage.conf.d", fmt.Sprintf("%d%s.conf", n, strings.Repeat("-", 200))), "")
	}
	s, err := cstor.Discover(t.Context(), cstor.DiscoverOptions{Sysroot: disk})
	check(t, err)
	defer s.Close()
	image(t, s, "alice:1")
	info, err := s.Info()
	check(t, err)
	size := 0
	for _, f := range info.Considered {
		size += len(f.Name) + len(f.Why)
	}
	if size > 16<<20 || !warned(s, "not told") {
		t.Errorf("%d bytes in %d findings, %d warnings", size, len(info.Considered), len(s.Warnings()))
	}
}

func TestMountedStops(t *testing.T) {
	t.Parallel()
	disk, _ := usersDisk(t, "alice")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := cstor.Discover(ctx, cstor.DiscoverOptions{Sysroot: disk}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", s, err)
	}
}

// TestMountedIDs: lists of ids that cannot be read are no reason to refuse a store.
func TestMountedIDs(t *testing.T) {
	t.Parallel()
	needRoot(t)
	disk, stores := usersDisk(t, "alice")
	check(t, os.Chown(filepath.Join(stores["alice"].Root, "overlay-layers"), 1000, 1000))
	check(t, os.Mkdir(filepath.Join(disk, "etc/subuid"), 0o755))
	s, err := cstor.Discover(t.Context(), cstor.DiscoverOptions{Sysroot: disk})
	check(t, err)
	defer s.Close()
	if !warned(s, "subuid") {
		t.Errorf("warnings %v", s.Warnings())
	}
	layers, err := image(t, s, "alice:1").Layers()
	check(t, err)
	if _, err := layers[0].Lstat("a"); err != nil {
		t.Error(err)
	}
}
