package conformance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"testing"

	"github.com/containerd/stargz-snapshotter/estargz"
	"github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/toc"

	"github.com/cstor-go/cstor/conformance/answer"
	"github.com/cstor-go/cstor/conformance/fixture"
)

// TestTOC makes an eStargz blob of each layer tar of package fixture, and compares its table of contents with the one that
// cstor makes of the same layer as stores have it: entry by entry as they are written, and as the library reads them. What
// says where something lies in the blob is left out.
func TestTOC(t *testing.T) {
	needRoot(t)
	stored := storedLayers(t)
	compared := 0
	var refused, lost, unread, replaced []string
	for _, l := range fixtureLayers() {
		mine, ok := stored[l.DiffID()]
		if !ok {
			t.Errorf("%s is in no store", l.Name)
			continue
		}
		blob, err := stargz(l.Tar)
		if err != nil {
			refused = append(refused, l.Name)
			t.Logf("%s: the library refuses it: %v", l.Name, err)
			continue
		}
		table, err := tableOf(t, mine)
		if err != nil {
			lost = append(lost, l.Name)
			t.Logf("%s: %v", l.Name, err)
			continue
		}
		compared++
		t.Run(l.Name, func(t *testing.T) {
			switch diff, err := compareTables(blob, table); {
			case errors.Is(err, errUnread):
				t.Log(err)
				unread = append(unread, l.Name)
			case err != nil:
				t.Error(err)
			case diff != "" && l.Name == "twice-0":
				t.Log(diff)
				replaced = append(replaced, l.Name)
			case diff != "":
				t.Error(diff)
			}
		})
	}
	t.Logf("%d tables", compared)
	exceptions := []struct {
		name, reason string
		want, got    []string
	}{
		{"global-headers", "the library refuses them", []string{"pax-global", "pax-globals"}, refused},
		{
			"lost-content", "of what the store has lost there is no digest",
			[]string{"same-file-twice", "same-file-by-link", "directory-replaced", "whiteout-with-content"},
			lost,
		},
		{
			"hard-links-elsewhere", "the library reads no table with a hard link to a name that it does not have, its own or cstor's",
			[]string{"link-below-1", "through-hard-0"},
			unread,
		},
		{"replaced-content", "of two files of one name and size a store keeps the second", []string{"twice-0"}, replaced},
	}
	for _, e := range exceptions {
		t.Run(e.name, func(t *testing.T) {
			slices.Sort(e.want)
			slices.Sort(e.got)
			if diff := cmp.Diff(e.want, e.got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", e.reason, diff)
			}
		})
	}
}

// fixtureLayers are all layer tars, each once.
func fixtureLayers() []fixture.Layer {
	all, seen := slices.Clone(fixture.Layers()), map[string]bool{}
	for _, s := range fixture.Stacks() {
		all = append(all, s.Layers...)
	}
	return slices.DeleteFunc(all, func(l fixture.Layer) bool {
		again := seen[l.DiffID()]
		seen[l.DiffID()] = true
		return again
	})
}

// storedLayers returns a stored layer for each diff id, of which the tar's headers are known. (Not every tool takes every tar.)
func storedLayers(t *testing.T) map[string]*cstor.Layer {
	t.Helper()
	layers := map[string]*cstor.Layer{}
	for _, name := range headersFrom {
		s, ok := there(t, name)
		if !ok {
			continue
		}
		st, err := answer.OpenCstor(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = st.Close() }) // was only read
		for l, err := range st.Layers() {
			if err != nil {
				t.Fatal(err)
			}
			if id := l.DiffID().String(); layers[id] == nil && len(l.UIDMap()) == 0 {
				layers[id] = l
			}
		}
	}
	return layers
}

// tableOf returns the table that cstor makes of a layer, with digests.
func tableOf(t *testing.T, l *cstor.Layer) ([]byte, error) {
	t.Helper()
	var files iter.Seq2[toc.File, error] = func(yield func(toc.File, error) bool) {
		for e, err := range l.Entries(t.Context()) {
			var f toc.File
			if err == nil {
				f.Entry, err = toc.From(e)
				f.Open = func() (*os.File, error) { return l.OpenFile(e.File) }
			}
			if !yield(f, err) {
				return
			}
		}
	}
	var b bytes.Buffer
	err := toc.Encode(&b, toc.Digests(t.Context(), files, toc.DigestOptions{}), toc.EncodeOptions{})
	return b.Bytes(), err
}

// stargz makes a blob of a tar, every entry as it is and in its place.
func stargz(tar []byte) (*io.SectionReader, error) {
	var b bytes.Buffer
	w := estargz.NewWriter(&b)
	if err := w.AppendTarLossLess(bytes.NewReader(tar)); err != nil {
		return nil, err
	}
	if _, err := w.Close(); err != nil {
		return nil, err
	}
	return io.NewSectionReader(bytes.NewReader(b.Bytes()), 0, int64(b.Len())), nil
}

// errUnread: the library reads neither table.
var errUnread = errors.New("unreadable")

// compareTables returns how the tables differ.
func compareTables(blob *io.SectionReader, table []byte) (diff string, err error) {
	theirs, err := written(blob)
	if err != nil {
		return "", err
	}
	var mine estargz.JTOC
	if err := json.Unmarshal(table, &mine); err != nil {
		return "", err
	}
	if mine.Version != theirs.Version {
		return "", fmt.Errorf("version %d, want %d", mine.Version, theirs.Version)
	}
	want, got := rows(theirs.Entries), rows(mine.Entries)
	for i := range want { // the library keeps names as the tar has them, and cleans them when it reads
		want[i].Name = cleanedLike(want[i].Name, want[i].Type)
		if want[i].Type == "hardlink" {
			want[i].LinkName = clean(want[i].LinkName)
		}
	}
	if diff = cmp.Diff(want, got); diff != "" {
		return "as written (-library +cstor):\n" + diff, nil
	}

	// Both tables are read, and give the same tree.
	noBlob := io.NewSectionReader(bytes.NewReader(make([]byte, estargz.FooterSize)), 0, estargz.FooterSize)
	read, err := estargz.Open(blob)
	again, errAgain := estargz.Open(noBlob, estargz.WithDecompressors(&ours{toc: &mine}))
	switch {
	case err != nil && errAgain != nil:
		return "", fmt.Errorf("%w: %w; %w", errUnread, err, errAgain)
	case err != nil || errAgain != nil:
		return "", fmt.Errorf("one is read: %w", errors.Join(err, errAgain))
	}
	if diff = cmp.Diff(treeOf(read), treeOf(again)); diff != "" {
		return "as read (-library +cstor):\n" + diff, nil
	}
	return "", nil
}

func cleanedLike(name, kind string) string {
	if name = clean(name); kind == "dir" {
		name += "/"
	}
	return name
}

// written returns a blob's table as it stands there.
func written(blob *io.SectionReader) (*estargz.JTOC, error) {
	at, footer, err := estargz.OpenFooter(blob)
	if err != nil {
		return nil, err
	}
	table, _, err := new(estargz.GzipDecompressor).ParseTOC(io.NewSectionReader(blob, at, blob.Size()-at-footer))
	return table, err
}
