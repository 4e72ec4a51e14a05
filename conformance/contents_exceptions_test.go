package conformance

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cstor-go/cstor/conformance/contents"
)

// exception is a known reason why a tree differs from cstor's.
type exception struct {
	name, reason string
	is           func(*looked, contents.Difference) bool
}

// findings counts the differences by exception.
type findings struct {
	known []exception
	mu    sync.Mutex
	count map[string]map[string]int // by exception and store
	done  int                       // stores
}

func newFindings(known []exception) *findings {
	return &findings{known: known, count: map[string]map[string]int{}}
}

// explain finds the reason of each difference, the first that is known.
func (f *findings) explain(t *testing.T, x *looked, differences []contents.Difference) {
	t.Helper()
	for _, d := range differences {
		i := slices.IndexFunc(f.known, func(e exception) bool { return e.is(x, d) })
		if i < 0 {
			t.Errorf("%s, by %s: %s", x, x.by, d)
			continue
		}
		f.mu.Lock()
		stores := f.count[f.known[i].name]
		if stores == nil {
			stores = map[string]int{}
			f.count[f.known[i].name] = stores
		}
		stores[x.Name]++
		f.mu.Unlock()
	}
}

// end says that a store has been looked at.
func (f *findings) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done++
}

// conclude wants each exception to have occurred, if all stores were there.
func (f *findings) conclude(t *testing.T, stores int) {
	t.Helper()
	for _, e := range f.known {
		t.Run(strings.ReplaceAll(e.name, " ", "-"), func(t *testing.T) {
			in := f.count[e.name]
			total := 0
			for _, n := range in {
				total += n
			}
			switch {
			case total > 0:
				t.Logf("%s: %d differences in %s", e.reason, total, strings.Join(slices.Sorted(maps.Keys(in)), ", "))
			case f.done < stores:
				t.Skipf("does not occur in %d of %d stores", f.done, stores)
			default:
				t.Errorf("does not occur any longer: %s", e.reason)
			}
		})
	}
}
