package conformance

import (
	"encoding/hex"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.podman.io/storage"

	"github.com/cstor-go/cstor"

	"github.com/cstor-go/cstor/conformance/answer"
	"github.com/cstor-go/cstor/conformance/corpus"
	"github.com/cstor-go/cstor/conformance/fixture"
)

// TestStores builds every store, asks cstor, and then asks the reference, which writes, about a copy of the same store.
func TestStores(t *testing.T) {
	for _, c := range corpus.Table {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			s := built(t, c)
			refused, err := s.Refused()
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("built in %v; refused by the writer: %q", time.Since(begin).Round(time.Millisecond), refused)
			age(t, s)
			before := fingerprint(t, s)
			mine := askCstor(t, s)
			t.Run("untouched", func(t *testing.T) {
				if diff := cmp.Diff(before, fingerprint(t, s)); diff != "" {
					t.Errorf("asking cstor changed the store (-before +after):\n%s", diff)
				}
			})
			theirs := askReference(t, s)
			t.Run("images", func(t *testing.T) { same(t, theirs.Images, mine.Images) })
			t.Run("layers", func(t *testing.T) { same(t, theirs.Layers, mine.Layers) })
			t.Run("containers", func(t *testing.T) { same(t, theirs.Containers, mine.Containers) })
			t.Run("stacks", func(t *testing.T) { same(t, theirs.stacks, mine.stacks) })
			t.Run("tars", func(t *testing.T) { compareTars(t, theirs, mine) })
			t.Run("contents", func(t *testing.T) { same(t, theirs.contents, mine.contents) })
			t.Run("layer-lookups", func(t *testing.T) { compareLookups(t, theirs.layers, mine.layers, mayBeAmbiguous) })
			t.Run("container-lookups", func(t *testing.T) { compareLookups(t, theirs.containers, mine.containers, mayBeAmbiguous) })
			t.Run("transport-lookups", func(t *testing.T) { compareLookups(t, theirs.lookups, mine.lookups, ambiguousIsNone) })
			if slices.Contains(c.Steps, "ask") {
				t.Run("podman-images", func(t *testing.T) { comparePodmanImages(t, s, mine) })
			}
			if slices.Contains(c.Steps, "lookups") {
				t.Run("podman-lookups", func(t *testing.T) { comparePodmanLookups(t, c, s) })
			}
		})
	}
}

// answers are the tables of one library.
type answers struct {
	*answer.Store
	stacks     map[string][]string       // image id → layer ids, base first
	contents   map[string]answer.Content // by image id
	tars       map[string]answer.Tar     // by layer id, of layers with a diff id
	lookups    map[string]answer.Lookup  // of images
	layers     map[string]answer.Lookup
	containers map[string]answer.Lookup
}

func newAnswers() answers {
	return answers{
		stacks: map[string][]string{}, contents: map[string]answer.Content{}, tars: map[string]answer.Tar{},
		lookups: map[string]answer.Lookup{}, layers: map[string]answer.Lookup{}, containers: map[string]answer.Lookup{},
	}
}

func askCstor(t *testing.T, s *corpus.Store) answers {
	t.Helper()
	st, err := answer.OpenCstor(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for _, w := range st.Warnings() {
		t.Errorf("warning: %v", w)
	}
	a := newAnswers()
	if a.Store, err = answer.OfCstor(st); err != nil {
		t.Fatal(err)
	}
	for i, err := range st.Images() {
		if err != nil {
			t.Fatal(err)
		}
		a.contents[i.ID()] = answer.CstorContent(i)
		a.stacks[i.ID()] = []string{}
		layers, err := i.Layers()
		if err != nil && !errors.Is(err, cstor.ErrIsList) {
			t.Errorf("layers of image %s: %v", i, err)
		}
		for _, l := range layers {
			a.stacks[i.ID()] = append(a.stacks[i.ID()], l.ID())
		}
	}
	for l, err := range st.Layers() {
		if err != nil {
			t.Fatal(err)
		}
		tar := answer.CstorTar(t.Context(), l)
		if l.DiffID() != "" {
			a.tars[l.ID()] = tar
		} else if !errors.Is(tar.Err, cstor.ErrNoTar) {
			t.Errorf("layer %s, which came from no tar: %+v, want ErrNoTar", l, tar)
		}
	}
	for _, ref := range references(a.Store) {
		a.lookups[ref] = answer.CstorLookup(st, cstor.Transport+ref)
	}
	for _, ref := range layerReferences(a.Store) {
		a.layers[ref] = answer.CstorLayerLookup(st, ref)
	}
	for _, ref := range containerReferences(a.Store) {
		a.containers[ref] = answer.CstorContainerLookup(st, ref)
	}
	return a
}

func askReference(t *testing.T, s *corpus.Store) answers {
	t.Helper()
	st := openReference(t, s)
	a := newAnswers()
	var err error
	if a.Store, err = answer.OfReference(st); err != nil {
		t.Fatal(err)
	}
	for id, i := range a.Images {
		a.contents[id] = answer.ReferenceContent(t.Context(), st, id)
		a.stacks[id] = []string{}
		for layer := i.TopLayer; layer != ""; layer = a.Layers[layer].Parent {
			a.stacks[id] = slices.Insert(a.stacks[id], 0, layer)
		}
	}
	for id, l := range a.Layers {
		if l.DiffID != "" {
			a.tars[id] = answer.ReferenceTar(st, id)
		}
	}
	for _, ref := range references(a.Store) {
		a.lookups[ref] = answer.ReferenceLookup(st, ref)
	}
	for _, ref := range layerReferences(a.Store) {
		a.layers[ref] = answer.ReferenceLayerLookup(st, ref)
	}
	for _, ref := range containerReferences(a.Store) {
		a.containers[ref] = answer.ReferenceContainerLookup(st, ref)
	}
	return a
}

// openReference opens a copy of the store with the reference library and closes it with the test.
func openReference(t *testing.T, s *corpus.Store) storage.Store {
	t.Helper()
	copied, err := s.Copy(t.Context(), filepath.Join(t.TempDir(), "copy"))
	if err != nil {
		t.Fatal(err)
	}
	st, err := copied.OpenReference()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := st.Shutdown(true); err != nil {
			t.Errorf("shut the reference's store down: %v", err)
		}
	})
	return st
}

// references are the fixture's, and for each image of the store its names, its id and digests of it.
func references(a *answer.Store) []string {
	refs := fixture.References()
	for _, id := range slices.Sorted(maps.Keys(a.Images)) {
		i := a.Images[id]
		refs = append(append(refs, id, "@"+id), prefixes(id)...)
		for _, name := range i.Names {
			refs = append(refs, name, name+"@"+id)
			for _, d := range i.Digests {
				refs = append(refs, name+"@"+d)
			}
		}
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}

func layerReferences(a *answer.Store) []string {
	refs := []string{"", "nosuch", "0", strings.Repeat("0", 64)}
	for id, l := range a.Layers {
		refs = append(append(append(refs, l.Names...), id, id+"0"), prefixes(id)...)
	}
	return refs
}

func containerReferences(a *answer.Store) []string {
	refs := []string{"", "nosuch", "0", strings.Repeat("0", 64)}
	for id, c := range a.Containers {
		refs = append(append(append(refs, c.Names...), id, id+"0", c.Layer, c.Image), prefixes(id)...)
		refs = append(refs, prefixes(c.Layer)...)
	}
	return refs
}

// prefixes are beginnings of an id. Ids that are not hexadecimal, which only the library's own stores have, are left out:
// cstor takes no prefix of them.
func prefixes(id string) []string {
	if !isID(id) {
		return nil
	}
	return []string{id[:1], id[:3], id[:12], id[:63]}
}

func same[T any](t *testing.T, reference, cstor T) {
	t.Helper()
	if diff := cmp.Diff(reference, cstor); diff != "" {
		t.Errorf("cstor differs (-reference +cstor):\n%s", diff)
	}
}

// isID tells whether ref is a whole id, which cannot be ambiguous.
func isID(ref string) bool {
	b, err := hex.DecodeString(ref)
	return err == nil && len(b) == 32
}

// ambiguity says when cstor may answer that a reference means several things, never being so for a whole id.
type ambiguity func(peer answer.Lookup) bool

// mayBeAmbiguous: where the peer takes the first of several, cstor may say that there are several.
func mayBeAmbiguous(answer.Lookup) bool { return true }

// ambiguousIsNone: only where the peer finds nothing, having no other word for several.
func ambiguousIsNone(peer answer.Lookup) bool { return peer.ID == "" }

func compareLookups(t *testing.T, theirs, mine map[string]answer.Lookup, allowed ambiguity) {
	t.Helper()
	ambiguous, taken := 0, 0
	for _, ref := range slices.Sorted(maps.Keys(theirs)) {
		want, got := theirs[ref], mine[ref]
		switch {
		case got.ID == want.ID && len(got.Candidates) == 0:
		case len(got.Candidates) > 0 && !isID(ref) && allowed(want):
			ambiguous++
			if want.ID != "" {
				taken++
			}
		default:
			t.Errorf("%q: cstor finds %q %v, the peer %q", ref, got.ID, got.Candidates, want.ID)
		}
	}
	if ambiguous > 0 {
		t.Logf("%d of %d lookups are ambiguous to cstor; for %d of them the peer takes one", ambiguous, len(theirs), taken)
	}
}

// compareTars holds every tar against the recorded digest. Layers of package fixture whose tar the reference cannot give
// back, or nobody can, are told apart, and both libraries must behave as the fixture says.
func compareTars(t *testing.T, theirs, mine answers) {
	exact := func(tar answer.Tar, l answer.Layer) bool {
		return tar.Err == nil && tar.Digest == l.DiffID && tar.Size == l.DiffSize
	}
	if len(theirs.tars) == 0 {
		t.Error("no layer has a diff id")
	}
	for id, l := range theirs.Layers {
		if l.DiffID == "" {
			continue
		}
		known, _ := fixture.ByDiffID(l.DiffID) // the zero Fate is Exact
		if got := mine.tars[id]; exact(got, l) == (known.Fate == fixture.Lost) {
			t.Errorf("layer %s %s (%s): cstor gives %+v, recorded %s, %d bytes", id, known.Name, known.Fate, got, l.DiffID, l.DiffSize)
		} else if got.Err == nil && !exact(got, l) {
			t.Errorf("layer %s %s: cstor gives wrong bytes and no error", id, known.Name)
		}
		// Of the reference the bytes count: it is not always able to unmount a composefs layer after reading it.
		if got := theirs.tars[id]; (got.Digest == l.DiffID) != (known.Fate == fixture.Exact) {
			t.Errorf("layer %s %s (%s): the reference gives %+v, recorded %s, %d bytes", id, known.Name, known.Fate, got, l.DiffID, l.DiffSize)
		}
	}
}
