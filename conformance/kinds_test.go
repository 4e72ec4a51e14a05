package conformance

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"

	"github.com/cstor-go/cstor"

	"github.com/cstor-go/cstor/conformance/answer"
	"github.com/cstor-go/cstor/conformance/corpus"
)

// TestKinds asks both libraries for the tar of layers of every kind, wants the answers that kindsOf and lentKinds foresee,
// and logs them as a table.
func TestKinds(t *testing.T) {
	needRoot(t)
	table := kindTable{parts: make([][]kindRow, len(kindsOf)+1)}
	t.Cleanup(func() { table.print(t) })
	for n, in := range kindsOf {
		t.Run(in.title(), func(t *testing.T) {
			t.Parallel()
			table.put(n, in.ask(t))
		})
	}
	t.Run("lent", func(t *testing.T) {
		t.Parallel()
		table.put(len(kindsOf), askLent(t))
	})
}

// kind is one kind of layer as one store has it: a row of the table.
type kind struct {
	// Name says what the layers are.
	name string
	// Is finds them in the store. They must all give the same answers.
	is func(*cstor.Storage, *cstor.Layer) bool
	// Reference and cstor are the answers.
	reference, cstor string
	// Ours and theirs are how tars deviate that were made where there is no exact one. If the layers' true tars are known,
	// that is from those; else cstor's is compared with the reference's, and theirs is not used.
	ours, theirs []*difference
}

// Answers. "Exact" is what has the recorded diff id or, where none is recorded, is the layer's true tar byte for byte.
const (
	exact       = "exact"
	wrong       = "wrong bytes" // and no error
	failed      = "error"       // of the reference
	another     = "another tar" // of the reference, of a layer without diff id
	approximate = "no exact tar, but approximate"
	checked     = "no exact tar, but approximate, files verified"
	lost        = "error: lost"
	unsupported = "error: not supported"
	damaged     = "error: damaged"
	mismatch    = "error: wrong digest"
	other       = "error: other"
)

// storeKinds are the kinds that one store of corpus.Table has.
type storeKinds struct {
	store string
	// Stripped: in a copy of the store without any tar-split file.
	stripped bool
	// Originals returns the true tars of layers that have no recipe, by id; nil if nobody knows them.
	originals func(*testing.T, *cstor.Storage) map[string][]byte
	kinds     []kind
}

func (in storeKinds) title() string {
	if in.stripped {
		return in.store + " without tar-split"
	}
	return in.store
}

// ask puts the questions to a copy of the store: to cstor first, since the reference writes.
func (in storeKinds) ask(t *testing.T) []kindRow {
	t.Helper()
	s, err := named(t, in.store).Copy(t.Context(), filepath.Join(t.TempDir(), "copy"))
	if err != nil {
		t.Fatal(err)
	}
	originals := map[string][]byte{}
	if in.stripped {
		originals = exactTars(t, s)
		strip(t, s)
	}
	box, err := lab.Peer(strings.Split(in.store, "-")[0])
	if err != nil {
		t.Fatal(err)
	}
	st, err := openInPeer(t, box, s)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if in.originals != nil {
		originals = in.originals(t, st)
	}
	found := make([][]*askedLayer, len(in.kinds))
	var all []*askedLayer
	for l, err := range st.Layers() {
		if err != nil {
			t.Fatal(err)
		}
		for n, k := range in.kinds {
			if k.is(st, l) {
				a := askCstorLayer(t, l, originals[l.ID()])
				found[n], all = append(found[n], a), append(all, a)
			}
		}
	}
	askApart(t, s, all)
	rows := make([]kindRow, len(in.kinds))
	for n, k := range in.kinds {
		rows[n] = kindRow{name: k.name, store: in.title(), layers: len(found[n])}
		t.Run(k.name, func(t *testing.T) { judgeKind(t, k, found[n], &rows[n]) })
	}
	return rows
}

// judgeKind holds the answers against those that are foreseen, and fills in the row.
func judgeKind(t *testing.T, k kind, layers []*askedLayer, row *kindRow) {
	t.Helper()
	if len(layers) == 0 {
		t.Fatal("the store has no such layer")
	}
	var ours, theirs []answer.Deviation
	for _, l := range layers {
		row.reference, row.cstor = l.reference, l.cstor
		if l.reference != k.reference || l.cstor != k.cstor {
			t.Errorf("layer %s: the reference gives %q (%s), want %q; cstor gives %q (%v), want %q",
				l.id, l.reference, l.referenceErr, k.reference, l.cstor, l.cstorErr, k.cstor)
		}
		mine, his := l.deviations(t)
		ours, theirs = append(ours, mine...), append(theirs, his...)
	}
	row.ours, row.theirs = k.ours, k.theirs
	explain(t, "cstor's tar", ours, k.ours)
	explain(t, "the reference's tar", theirs, k.theirs)
}

// kindTable is the table in the log.
type kindTable struct {
	mu    sync.Mutex
	parts [][]kindRow
}

type kindRow struct {
	name, store      string
	layers           int
	reference, cstor string
	ours, theirs     []*difference
}

func (k *kindTable) put(part int, rows []kindRow) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.parts[part] = rows
}

func (k *kindTable) print(t *testing.T) {
	t.Helper()
	var log strings.Builder
	table := tabwriter.NewWriter(&log, 0, 0, 2, ' ', 0)
	line := func(columns ...any) { _, _ = fmt.Fprintf(table, "%v\t%v\t%v\t%v\t%v\n", columns...) } // to a strings.Builder
	line("kind of layer", "store", "layers", "reference", "cstor")
	var notes []*difference
	with := func(verdict string, differences []*difference) string {
		for _, d := range differences {
			n := slices.Index(notes, d)
			if n < 0 {
				n, notes = len(notes), append(notes, d)
			}
			verdict += fmt.Sprintf(" %c", 'a'+n)
		}
		return verdict
	}
	for _, r := range slices.Concat(k.parts...) {
		cstor := with(r.cstor, r.ours)
		line(r.name, r.store, r.layers, with(r.reference, r.theirs), cstor)
	}
	_ = table.Flush()
	for n, d := range notes {
		_, _ = fmt.Fprintf(&log, "%c  %s: %s\n", 'a'+n, d.name, d.reason)
	}
	t.Logf("the tar of each kind of layer; letters tell how one that was made deviates from the layer's true one or, for "+
		"containers' layers, cstor's from the reference's:\n%s", log.String())
}

// exactTars returns the tar of every layer that has its diff id, by layer id.
func exactTars(t *testing.T, s *corpus.Store) map[string][]byte {
	t.Helper()
	st, err := answer.OpenCstor(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	tars := map[string][]byte{}
	for l, err := range st.Layers() {
		if err != nil {
			t.Fatal(err)
		}
		if b, report, err := answer.CstorTarBytes(t.Context(), l, cstor.WriteOptions{}); err == nil && report.Verified == cstor.VerifiedDiffID {
			tars[l.ID()] = b
		}
	}
	return tars
}
