package storetest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Options say how and where a store is built. The zero value is an overlay
// store as the newest writers make it.
type Options struct {
	Driver string // "" or "overlay", "vfs"

	// RunRoot is the folder of volatile state; New makes one if it is "",
	// Build goes without.
	RunRoot string
	// ImageStore splits the store: image records and the trees of image layers
	// go there. A relative path is taken below the store's root.
	ImageStore string
	// Parents are stores in which layers and images may be found that the spec
	// names and does not define: the additional image stores of this one.
	Parents []*Store
	// Transient puts containers into RunRoot, which must be set.
	Transient bool

	// Whiteouts as they are spelled in overlay trees.
	Whiteouts Whiteouts
	// ForceMask, if not 0, is the mode of every file; owners and modes go into
	// attributes. It implies WhiteoutsFiles.
	ForceMask fs.FileMode
	// Flat makes every image layer flat, as Layer.Flat.
	Flat bool
	// NoLocks leaves out all lock files, as on a store that was never written
	// through this path.
	NoLocks bool
	// Old writes what storage 1.62 and older writes: no lower-layers, layer
	// records of a split store in the graph root, short override_stat, an empty
	// segment at the end of a tar-split.
	Old bool
	// Time of creation, and of entries that have no time of their own; the
	// zero value is DefaultTime.
	Time time.Time
}

// DefaultTime stands for the time at which a store was made.
var DefaultTime = time.Date(2024, 5, 6, 7, 8, 9, 123456789, time.UTC)

// Store is a store that was built. Its methods read nothing from disk unless
// they say so. It is not safe for use while a Fault is applied.
type Store struct {
	Root       string // the graph root
	RunRoot    string // may be ""
	ImageStore string // "" unless split
	Driver     string

	opts       Options
	can        ability
	layers     registry[LayerInfo]
	images     registry[ImageInfo]
	containers registry[ContainerInfo]
	writes     uint64 // counter of last-writer tokens
}

// New builds a store in a temporary folder of the test, and fails the test if
// that does not work.
func New(tb testing.TB, spec string, opts Options) *Store {
	tb.Helper()
	parsed, err := Parse(spec)
	if err != nil {
		tb.Fatal(err)
	}
	return parsed.New(tb, opts)
}

// New is like the function New, for a spec made in Go.
func (s Spec) New(tb testing.TB, opts Options) *Store {
	tb.Helper()
	dir := tb.TempDir()
	// An ordinary user cannot empty folders of mode 0555, which every layer has.
	tb.Cleanup(func() { makeRemovable(dir) })
	if opts.RunRoot == "" {
		opts.RunRoot = filepath.Join(dir, "run")
	}
	store, err := s.Build(filepath.Join(dir, "root"), opts)
	if err != nil {
		tb.Fatal(err)
	}
	return store
}

// Build builds a store with root dir, which is made if it does not exist.
func Build(dir, spec string, opts Options) (*Store, error) {
	parsed, err := Parse(spec)
	if err != nil {
		return nil, err
	}
	return parsed.Build(dir, opts)
}

// Apply does faults; it fails the test on an error.
func (s *Store) Apply(tb testing.TB, faults ...Fault) {
	tb.Helper()
	for _, f := range faults {
		if err := f(s); err != nil {
			tb.Fatal(err)
		}
	}
}

// Remove deletes the store with its run root and image store, also as an
// ordinary user.
func (s *Store) Remove() error {
	for _, dir := range []string{s.Root, s.RunRoot, s.ImageStore} {
		if dir == "" {
			continue
		}
		makeRemovable(dir)
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// makeRemovable gives the owner all rights to the folders below dir.
func makeRemovable(dir string) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(path, 0o700) // WalkDir reads the folder after this call
		}
		return nil
	})
}

// registry keeps what was built, by the name that the spec gives it.
type registry[T any] struct {
	names []string // in order
	byKey map[string]*T
}

func (r *registry[T]) add(v *T, names ...string) error {
	if r.byKey == nil {
		r.byKey = map[string]*T{}
	}
	for _, n := range names {
		if r.byKey[n] != nil {
			return fmt.Errorf("%q is defined twice", n)
		}
		r.byKey[n] = v
	}
	r.names = append(r.names, names[0])
	return nil
}

func (r *registry[T]) all() []T {
	list := make([]T, 0, len(r.names))
	for _, n := range r.names {
		list = append(list, *r.byKey[n])
	}
	return list
}
