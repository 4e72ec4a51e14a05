package conformance

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cstor-go/cstor/conformance/answer"
	"github.com/cstor-go/cstor/conformance/corpus"
)

// comparePodmanImages holds cstor's images against `podman images --all --digests --format json` of the podman that wrote
// the store. It prints an image once for each name, and leaves out some that are neither named nor a top image.
func comparePodmanImages(t *testing.T, s *corpus.Store, mine answers) {
	raw, err := s.PodmanImages()
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct {
		ID     string `json:"Id"`
		Names  []string
		Digest string
	}
	if err := json.Unmarshal(raw, &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) == 0 {
		t.Error("podman lists no images")
	}
	names := map[string][][]string{}
	for _, row := range rows {
		id := strings.TrimPrefix(row.ID, "sha256:")
		names[id] = append(names[id], sorted(row.Names))
		if i, ok := mine.Images[id]; !ok {
			t.Errorf("cstor lacks image %s %v", id, row.Names)
		} else if !slices.Contains(i.Digests, row.Digest) {
			t.Errorf("image %s: podman's digest %s is not among cstor's %v", id, row.Digest, i.Digests)
		}
	}
	for id, sets := range names {
		// An image that is in two stores has a row for each record.
		same := func(set []string) bool { return slices.Equal(set, sorted(mine.Images[id].Names)) }
		if !slices.ContainsFunc(sets, same) {
			t.Errorf("image %s: podman has the names %v, cstor %v", id, sets, mine.Images[id].Names)
		}
	}
}

func sorted(names []string) []string {
	names = slices.Clone(names)
	slices.Sort(names)
	return slices.Compact(names)
}

// deviations are references that podman and cstor answer differently, and why. A difference that is not here is a failure.
var deviations = []struct {
	store   string // the beginning of the stores' names
	applies func(ref string) bool
	why     string
}{
	{"", isDigest, "cstor finds images by the digest of a manifest alone; podman demands a name with it"},
	{"machine", func(ref string) bool { return strings.Contains(ref, "@") }, "podman 4.3 finds a digest under any repository"},
	{"machine", is("no-layers"), "podman 4.3 cannot inspect an image without layers"},
	{
		"machine-root-additional", is("fixture:zstd", "localhost/fixture:zstd", "fixture:tag1", "localhost/fixture:tag2", "zstd:v1"),
		"podman 4.3 finds names of a read-only store's record though the main store has the image under other names; " +
			"newer ones and cstor do not (container-libs storage/store.go:Image)",
	},
}

func isDigest(ref string) bool {
	return strings.HasPrefix(ref, "sha256:") && len(ref) == len("sha256:")+64
}

func is(refs ...string) func(string) bool {
	return func(ref string) bool { return slices.Contains(refs, ref) }
}

// comparePodmanLookups holds cstor's search for images against what podman found, reference by reference.
func comparePodmanLookups(t *testing.T, c corpus.Corpus, s *corpus.Store) {
	found, err := s.PodmanLookups()
	if err != nil {
		t.Fatal(err)
	}
	st, err := answer.OpenCstor(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	theirs, mine := map[string]answer.Lookup{}, map[string]answer.Lookup{}
	known := map[string]int{} // deviations, by why
	for ref, id := range found {
		want, got := answer.Lookup{ID: id}, answer.CstorInstance(st, ref)
		deviates := false
		for _, d := range deviations {
			if want.ID != got.ID && strings.HasPrefix(c.Name, d.store) && d.applies(ref) {
				known[d.why]++
				deviates = true
				break
			}
		}
		if !deviates {
			theirs[ref], mine[ref] = want, got
		}
	}
	for _, why := range slices.Sorted(maps.Keys(known)) {
		t.Logf("%d lookups deviate: %s", known[why], why)
	}
	compareLookups(t, theirs, mine, mayBeAmbiguous)
}
