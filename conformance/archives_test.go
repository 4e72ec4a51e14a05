package conformance

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"

	"go.podman.io/storage"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/tarsplit"

	"github.com/cstor-go/cstor/conformance/answer"
	"github.com/cstor-go/cstor/conformance/corpus"
	"github.com/cstor-go/cstor/conformance/fixture"
)

// TestArchives stores the archives on which Go and tar-split test their readers, and asks for them back: what a tool takes
// must come back exactly or, where the store lost bytes, as the promised error. Each store's table is in the log.
func TestArchives(t *testing.T) {
	needRoot(t)
	archives, err := lab.Archives()
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("CSTOR_REQUIRE_PEERS") != "1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	same := 0
	for _, a := range archives {
		same += len(a.Same)
	}
	t.Logf("%d archives, and %d with the same bytes as one of them", len(archives), same)

	var mu sync.Mutex
	stores, taken := 0, make(map[string]bool) // by name, in any store
	t.Cleanup(func() {
		if stores < len(corpus.Archives) {
			return
		}
		for _, a := range archives {
			if a.Fate != fixture.Exact && !taken[a.Name] {
				t.Errorf("%s is listed as %s, and no tool takes it", a.Name, a.Fate)
			}
		}
	})
	for _, c := range corpus.Archives {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			names := compareArchives(t, built(t, c), archives)
			mu.Lock()
			defer mu.Unlock()
			stores++
			for _, name := range names {
				taken[name] = true
			}
		})
	}
}

// compareArchives asks both libraries for every archive that the writer of the store took, and returns the names of those.
func compareArchives(t *testing.T, s *corpus.Store, archives []fixture.Archive) (taken []string) {
	t.Helper()
	refused := refusals(t, s)
	layers, mine := cstorArchives(t, s)
	theirs := referenceArchives(t, openReference(t, s), layers)
	var log strings.Builder
	table := tabwriter.NewWriter(&log, 0, 0, 2, ' ', 0)
	row := func(columns ...any) { _, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", columns...) } // to a strings.Builder
	row("archive", "tool", "reference", "cstor", "reason")
	for _, a := range archives {
		_, stored := layers[a.Name]
		reason, isRefused := refused[a.Name]
		switch {
		case a.LeftOut != "":
			row(a.Name, "left out", "", "", a.LeftOut)
		case stored == isRefused:
			t.Errorf("%s: stored %t, refused %t: %s", a.Name, stored, isRefused, reason)
		case isRefused:
			row(a.Name, "refuses", "", "", reason)
		default:
			taken = append(taken, a.Name)
			row(a.Name, "takes", verdict(theirs[a.Name], a), verdict(mine[a.Name], a), reasonOf(mine[a.Name].Err))
			judge(t, a, theirs[a.Name], mine[a.Name])
		}
	}
	_ = table.Flush()
	t.Logf("%d of %d archives are taken:\n%s", len(taken), len(archives), log.String())
	if len(taken) < len(archives)/2 {
		t.Error("too few to say anything")
	}
	return taken
}

// judge holds both libraries against what is known of the archive.
func judge(t *testing.T, a fixture.Archive, theirs, mine answer.Tar) {
	t.Helper()
	switch {
	case mine.Err == nil && !isExact(mine, a):
		t.Errorf("%s (%s): cstor gives wrong bytes and no error: %+v, want %s, %d bytes", a.Name, a.Fate, mine, a.DiffID, a.Size)
	case a.Fate == fixture.Lost && !promised(mine.Err):
		t.Errorf("%s (%s): cstor gives %+v, want the error that says so", a.Name, a.Fate, mine)
	case a.Fate != fixture.Lost && !isExact(mine, a):
		t.Errorf("%s (%s): cstor gives %+v, want %s, %d bytes", a.Name, a.Fate, mine, a.DiffID, a.Size)
	}
	if isExact(theirs, a) != (a.Fate == fixture.Exact) {
		t.Errorf("%s (%s): the reference gives %+v, the archive is %s, %d bytes", a.Name, a.Fate, theirs, a.DiffID, a.Size)
	}
}

// promised tells whether err is what cstor promises for a tar of which the store lost bytes.
func promised(err error) bool { return errors.Is(err, tarsplit.ErrLost) }

func isExact(tar answer.Tar, a fixture.Archive) bool {
	return tar.Err == nil && tar.Digest == a.DiffID && tar.Size == a.Size
}

func verdict(tar answer.Tar, a fixture.Archive) string {
	switch {
	case tar.Err != nil:
		return "error"
	case isExact(tar, a):
		return "exact"
	default:
		return "wrong bytes"
	}
}

// reasonOf is the error without the path of the store.
func reasonOf(err error) string {
	if in, ok := errors.AsType[*cstor.StoreError](err); ok {
		err = in.Err
	}
	if err == nil {
		return ""
	}
	return err.Error()
}

// complaint is what tools say before the reason why they refuse a layer: the time, what they did, two digests.
var complaint = regexp.MustCompile(`^.*sha256:[0-9a-f]{64}\\?": `)

// refusals returns the archives that the writer did not take, with the reason of each.
func refusals(t *testing.T, s *corpus.Store) map[string]string {
	t.Helper()
	refused, err := s.Refused()
	if err != nil {
		t.Fatal(err)
	}
	reasons := make(map[string]string)
	for line := range strings.Lines(refused) {
		image, reason, _ := strings.Cut(strings.TrimSpace(line), ": ")
		reason = strings.TrimSuffix(complaint.ReplaceAllString(reason, ""), `"`)
		reasons[strings.TrimPrefix(image, corpus.ArchiveName)] = strings.ReplaceAll(reason, `\n`, "; ")
	}
	return reasons
}

// cstorArchives returns the layer of each archive, and what cstor gives for it.
func cstorArchives(t *testing.T, s *corpus.Store) (layers map[string]string, tars map[string]answer.Tar) {
	t.Helper()
	st, err := answer.OpenCstor(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	layers, tars = make(map[string]string), make(map[string]answer.Tar)
	for i, err := range st.Images() {
		if err != nil {
			t.Fatal(err)
		}
		stack, err := i.Layers()
		if err != nil || len(stack) != 1 || len(i.Names()) != 1 {
			t.Fatalf("image %s has the names %q and the layers %v: %v", i, i.Names(), stack, err)
		}
		name := strings.TrimPrefix(i.Names()[0], corpus.ArchiveName)
		layers[name], tars[name] = stack[0].ID(), answer.CstorTar(t.Context(), stack[0])
	}
	return layers, tars
}

func referenceArchives(t *testing.T, st storage.Store, layers map[string]string) map[string]answer.Tar {
	t.Helper()
	tars := make(map[string]answer.Tar)
	for _, name := range slices.Sorted(maps.Keys(layers)) {
		tars[name] = answer.ReferenceTar(st, layers[name])
	}
	return tars
}
