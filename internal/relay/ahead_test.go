package relay

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor/internal/storetest"
)

// manyFiles is a store of a layer with directories of so many files.
func manyFiles(t *testing.T, dirs, files int) (root string, info storetest.LayerInfo) {
	t.Helper()
	l := storetest.Layer{Name: "a"}
	for d := range dirs {
		l.Entries = append(l.Entries, storetest.Dir(fmt.Sprintf("d%d", d), 0o755))
		for f := range files {
			l.Entries = append(l.Entries, storetest.File(fmt.Sprintf("d%d/f%04d", d, f), 0o644, fmt.Sprint(d, f)))
		}
	}
	s := storetest.Spec{Layers: []storetest.Layer{l}}.New(t, storetest.Options{})
	return s.Root, s.Layer("a")
}

// TestLookAhead asks for the names of lists in many orders: each answer is that of the
// name that was asked for.
func TestLookAhead(t *testing.T) {
	t.Parallel()
	root, info := manyFiles(t, 30, 700)
	direct, helped := both(t, root, specOf(info, storetest.Options{}))
	var all sync.WaitGroup
	for g := range 6 {
		all.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(g), 1))
			for range 40 {
				dir := fmt.Sprintf("d%d", rnd.IntN(30))
				if rnd.IntN(3) > 0 {
					if list, err := helped.ReadDir(dir); err != nil || len(list) != 700 {
						t.Errorf("%d names, %v", len(list), err)
					}
				}
				step := []int{1, 1, 1, 2, 16, 17, -1}[rnd.IntN(7)]
				at := rnd.IntN(700)
				if rnd.IntN(2) == 0 {
					at = 0
				}
				for range 300 {
					name := fmt.Sprintf("%s/f%04d", dir, at)
					want, wantErr := direct.Lstat(name)
					got, err := helped.Lstat(name)
					if diff := cmp.Diff(want, got) + differs(wantErr, err); diff != "" {
						t.Errorf("%s: %s", name, diff)
						return
					}
					at += step
				}
			}
		})
	}
	all.Wait()
}

// TestLookAheadIsForgotten: what was looked at ahead does not count for long, and not at
// all in layers that may change.
func TestLookAheadIsForgotten(t *testing.T) {
	t.Parallel()
	for _, container := range []bool{true, false} {
		root, info := manyFiles(t, 1, 300)
		spec := specOf(info, storetest.Options{})
		spec.Container = container
		_, helped := both(t, root, spec)
		list, err := helped.ReadDir("d0")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list[:3] {
			if _, err := helped.Lstat("d0/" + e.Name); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(filepath.Join(info.Diff, "d0", list[3].Name), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(info.Diff, "d0", list[4].Name), 0o600); err != nil {
			t.Fatal(err)
		}
		n, err := helped.Lstat("d0/" + list[3].Name)
		if seen := err == nil && n.Mode.Perm() == 0o600; seen != container {
			t.Errorf("container %t: a change is seen: %t, %v", container, seen, err)
		}
		if !container {
			time.Sleep(maxAge)
		}
		if n, err := helped.Lstat("d0/" + list[4].Name); err != nil || n.Mode.Perm() != 0o600 {
			t.Errorf("container %t: later: %+v, %v", container, n, err)
		}
	}
}

// TestListsAreForgotten: what is kept of lists is limited.
func TestListsAreForgotten(t *testing.T) {
	t.Parallel()
	root, info := manyFiles(t, 40, 10)
	_, helped := both(t, root, specOf(info, storetest.Options{}))
	tree := helped.(*tree)
	for d := range 40 {
		if _, err := tree.ReadDir(fmt.Sprintf("d%d", d)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(tree.listed.dirs); n != maxListed || tree.listed.dirs[n-1].name != "d39" {
		t.Errorf("%d lists", n)
	}
	total := 0
	for range 10 {
		list := &listedDir{names: make([]string, maxListedNames/4)}
		tree.listed.dirs = append(tree.listed.dirs, list)
	}
	if _, err := tree.ReadDir("d7"); err != nil {
		t.Fatal(err)
	}
	for _, d := range tree.listed.dirs {
		total += len(d.names)
	}
	if total > maxListedNames {
		t.Errorf("%d names", total)
	}
}
