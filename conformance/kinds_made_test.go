package conformance

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/tarsplit"

	"github.com/cstor-go/cstor/conformance/answer"
	"github.com/cstor-go/cstor/conformance/corpus"
)

// TestMadeTars asks cstor twice for the entries and an approximate tar of every layer without diff id, of all stores: both
// must be the same each time, and agree.
func TestMadeTars(t *testing.T) {
	for _, c := range corpus.Table {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			st, err := answer.OpenCstor(t.Context(), built(t, c))
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			layers, entries := 0, 0
			for l, err := range st.Layers() {
				if err != nil {
					t.Fatal(err)
				}
				if l.DiffID() == "" {
					layers++
					entries += madeTwice(t, l)
				}
			}
			t.Logf("%d layers without diff id, %d entries", layers, entries)
		})
	}
}

// madeTwice asks for one layer, and returns how many entries it has.
func madeTwice(t *testing.T, l *cstor.Layer) int {
	t.Helper()
	once, again := layerEntries(t, l), layerEntries(t, l)
	if diff := cmp.Diff(once, again); diff != "" {
		t.Errorf("layer %s: entries change (-once +again):\n%s", l, diff)
	}
	made, report, err := answer.CstorTarBytes(t.Context(), l, cstor.WriteOptions{Approximate: true})
	if err != nil || !report.Approximate {
		t.Errorf("layer %s: %+v, %v", l, report, err)
	}
	second, _, err := answer.CstorTarBytes(t.Context(), l, cstor.WriteOptions{Approximate: true, NoVerify: true})
	if err != nil || !bytes.Equal(made, second) {
		t.Errorf("layer %s: another time another tar: %v", l, err)
	}
	if want := l.TOCDigest() != ""; (report.Verified == cstor.VerifiedTOC) != want {
		t.Errorf("layer %s: verified %q; there is a table of contents: %t", l, report.Verified, want)
	}
	if diff := cmp.Diff(once, tarEntries(t, made)); diff != "" {
		t.Errorf("layer %s: entries and tar (-entries +tar):\n%s", l, diff)
	}
	return len(once)
}

// namedEntry is what an entry and a tar header must agree in.
type namedEntry struct {
	Name, Link string
	Type       byte
	Mode, Size int64
	UID, GID   int64
	Time       int64 // nanoseconds
}

func layerEntries(t *testing.T, l *cstor.Layer) (list []namedEntry) {
	t.Helper()
	for e, err := range l.Entries(t.Context()) {
		if err != nil {
			t.Errorf("layer %s: entries: %v", l, err)
			return list
		}
		list = append(list, entryOf(e))
	}
	return list
}

func entryOf(e *tarsplit.Entry) namedEntry {
	return namedEntry{e.Name, e.Linkname, e.Type, e.Mode, e.Size, e.UID, e.GID, e.ModTime.UnixNano()}
}

func tarEntries(t *testing.T, b []byte) (list []namedEntry) {
	t.Helper()
	r := tar.NewReader(bytes.NewReader(b))
	for {
		h, err := r.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.Error(err)
			}
			return list
		}
		list = append(list, namedEntry{h.Name, h.Linkname, h.Typeflag, h.Mode, h.Size, int64(h.Uid), int64(h.Gid), h.ModTime.UnixNano()})
	}
}
