package conformance

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"

	"go.podman.io/storage/pkg/archive"

	"github.com/cstor-go/cstor/conformance/answer"
	"github.com/cstor-go/cstor/conformance/corpus"
)

// lentKind is a kind of layer whose tree and blob are in an additional layer store.
type lentKind struct {
	name             string
	lent             corpus.Lent
	reference, cstor string
}

// lentKinds lists them. Of three the parent is lent, too.
func lentKinds(t *testing.T) []lentKind {
	t.Helper()
	base, change, top, empty := tarOf(t, "base"), tarOf(t, "change"), tarOf(t, "top"), tarOf(t, "empty")
	made, err := corpus.MakeEStargz(base)
	if err != nil {
		t.Fatal(err)
	}
	return []lentKind{
		{"a gzip blob", corpus.Lent{Tar: base, Compression: archive.Gzip, Reference: true, ID: "gzip"}, exact, exact},
		{"a zstd blob", corpus.Lent{Tar: change, Compression: archive.Zstd, Parent: "gzip", ID: "zstd"}, exact, exact},
		{"an uncompressed blob", corpus.Lent{Tar: top, Parent: "zstd", Reference: true, ID: "plain"}, exact, exact},
		{"an eStargz blob", corpus.Lent{Tar: made.Tar, Blob: made.Blob, Compression: archive.Gzip, Reference: true, ID: "estargz"}, exact, exact},
		{"a bzip2 blob", corpus.Lent{Tar: empty, Blob: decoded(t, bzip2Empty), Compression: archive.Bzip2, ID: "bzip2"}, exact, exact},
		{"an xz blob", corpus.Lent{Tar: empty, Blob: decoded(t, xzEmpty), Compression: archive.Xz, ID: "xz"}, exact, unsupported},
		{"a gzip blob, no diff id", corpus.Lent{Tar: change, Compression: archive.Gzip, Bare: true, Parent: "gzip", ID: "bare-gzip"}, exact, exact},
		{"a zstd blob, no diff id", corpus.Lent{Tar: base, Compression: archive.Zstd, Bare: true, ID: "bare-zstd"}, exact, exact},
		{"a gzip blob, recorded as plain", corpus.Lent{Tar: base, Compression: archive.Gzip, Plain: true, ID: "unrecorded"}, wrong, exact},
		{"without the file additionallayer", corpus.Lent{Tar: base, Compression: archive.Gzip, ID: "no-note", Spoil: withoutNote}, wrong, exact},
		{"by a store that is not configured", corpus.Lent{Tar: base, Compression: archive.Gzip, Elsewhere: true, ID: "elsewhere"}, exact, unsupported},
		{"by a store that is not there", corpus.Lent{Tar: base, Compression: archive.Gzip, ID: "gone", Spoil: withoutLender}, failed, damaged},
		{"a blob of other bytes", corpus.Lent{Tar: top, ID: "changed", Spoil: changedBlob}, wrong, mismatch},
	}
}

// The layer "empty", compressed by xz and by bzip2.
const (
	xzEmpty    = "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4AP/AAtdAABv/f//o7d/RjIAAAAMJ2kgl2N4wwABJ4AIAAAALnmurbHEZ/sCAAAAAARZWg=="
	bzip2Empty = "QlpoOTFBWSZTWXT1rfcAAARAAMAAAAggADCAKmlFrDi7kinChIOnrW+4"
)

func withoutNote(dir, _ string) error { return os.Remove(filepath.Join(dir, "additionallayer")) }

func withoutLender(_, lender string) error { return os.RemoveAll(lender) }

func changedBlob(_, lender string) error {
	path := filepath.Join(lender, "blob")
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	b[0] ^= 1
	return os.WriteFile(path, b, 0o644)
}

func decoded(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// askLent makes a store with all of them, and asks.
func askLent(t *testing.T) []kindRow {
	t.Helper()
	kinds := lentKinds(t)
	var layers []corpus.Lent
	for _, k := range kinds {
		layers = append(layers, k.lent)
	}
	s, err := corpus.LendLayers(filepath.Join(t.TempDir(), "store"), layers)
	if err != nil {
		t.Fatal(err)
	}
	st, err := answer.OpenCstor(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	asked := make([]*askedLayer, len(kinds))
	for n, k := range kinds {
		l, err := st.Layer(k.lent.ID)
		if err != nil {
			t.Fatal(err)
		}
		asked[n] = askCstorLayer(t, l, k.lent.Tar)
	}
	askApart(t, s, asked)
	rows := make([]kindRow, len(kinds))
	for n, k := range kinds {
		rows[n] = kindRow{name: "lent, " + k.name, store: "additional layer stores", layers: 1}
		t.Run(k.name, func(t *testing.T) {
			judgeKind(t, kind{reference: k.reference, cstor: k.cstor}, asked[n:n+1], &rows[n])
		})
	}
	return rows
}
