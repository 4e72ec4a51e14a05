package conformance

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/tarsplit"

	"github.com/cstor-go/cstor/conformance/answer"
	"github.com/cstor-go/cstor/conformance/corpus"
)

// askedLayer is one layer, with what both libraries give for it.
type askedLayer struct {
	id, parent string
	diffID     digest.Digest
	original   []byte // the true tar; nil if it is not known, or the diff id tells

	cstor    string
	cstorErr error
	made     []byte // by cstor, where there is no exact tar

	reference    string
	referenceErr string
	theirs       []byte // by the reference, where that is not exact
}

// isTrue tells whether b is the layer's tar.
func (a *askedLayer) isTrue(b []byte) bool {
	if a.diffID != "" {
		return digest.FromBytes(b) == a.diffID
	}
	return a.original != nil && bytes.Equal(a.original, b)
}

// askCstorLayer asks for the tar and, if there is no exact one, for another.
func askCstorLayer(t *testing.T, l *cstor.Layer, original []byte) *askedLayer {
	t.Helper()
	a := &askedLayer{id: l.ID(), parent: l.ParentID(), diffID: l.DiffID(), original: original}
	b, _, err := answer.CstorTarBytes(t.Context(), l, cstor.WriteOptions{})
	a.cstorErr = err
	switch {
	case err == nil && a.isTrue(b):
		a.cstor = exact
	case err == nil:
		a.cstor = wrong
	case errors.Is(err, cstor.ErrNoTar):
		a.askMade(t, l)
	case errors.Is(err, tarsplit.ErrLost):
		a.cstor = lost
	case errors.Is(err, cstor.ErrUnsupported):
		a.cstor = unsupported
	case errors.Is(err, cstor.ErrDamaged):
		a.cstor = damaged
	case isMismatch(err):
		a.cstor = mismatch
	default:
		a.cstor = other
	}
	return a
}

func isMismatch(err error) bool {
	_, ok := errors.AsType[*cstor.MismatchError](err)
	return ok
}

func (a *askedLayer) askMade(t *testing.T, l *cstor.Layer) {
	t.Helper()
	b, report, err := answer.CstorTarBytes(t.Context(), l, cstor.WriteOptions{Approximate: true})
	if err != nil || !report.Approximate {
		t.Errorf("layer %s: an approximate tar: %+v, %v", l, report, err)
		a.cstor = other
		return
	}
	a.made, a.cstor = b, approximate
	if report.Verified == cstor.VerifiedTOC {
		a.cstor = checked
	}
}

// heard takes what the reference gave.
func (a *askedLayer) heard(tar answer.ApartTar) {
	a.referenceErr = tar.Err
	switch {
	case a.isTrue(tar.Tar): // it is not always able to unmount a composefs layer after reading it
		a.reference = exact
	case tar.Err != "":
		a.reference = failed
	case a.diffID != "":
		a.reference, a.theirs = wrong, tar.Tar
	default:
		a.reference, a.theirs = another, tar.Tar
	}
}

// deviations compares tars that were made with the true one or, if nobody knows that, with each other.
func (a *askedLayer) deviations(t *testing.T) (ours, theirs []answer.Deviation) {
	t.Helper()
	if a.made == nil {
		return nil, nil
	}
	made, other := a.entries(t, a.made), a.entries(t, a.theirs)
	if a.original == nil {
		return answer.Deviations(other, made), nil
	}
	original := a.entries(t, a.original)
	return answer.Deviations(original, made), answer.Deviations(original, other)
}

func (a *askedLayer) entries(t *testing.T, tar []byte) map[string]answer.Entry {
	t.Helper()
	entries, err := answer.Entries(bytes.NewReader(tar))
	if err != nil {
		t.Errorf("layer %s: %v", a.id, err)
	}
	return entries
}

// askApart asks the reference for the layers' tars, and has the tars that cstor made unpacked over the same parents: they
// must be layers as good as any, which come back exactly.
func askApart(t *testing.T, s *corpus.Store, layers []*askedLayer) {
	t.Helper()
	q := answer.Apart{Store: s, Options: driverOptions(t, s)}
	var made []*askedLayer
	for _, a := range layers {
		q.Layers = append(q.Layers, a.id)
		if a.made != nil {
			made = append(made, a)
			q.Tars = append(q.Tars, answer.Laid{Parent: a.parent, Tar: a.made})
		}
	}
	tars, err := q.Ask(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for n, tar := range tars.Layers {
		layers[n].heard(tar)
	}
	for n, back := range tars.Tars {
		if !bytes.Equal(back.Tar, made[n].made) { // as above, the error does not count
			t.Errorf("layer %s: the reference unpacks the approximate tar of %d bytes, and gives %d bytes back: %s",
				made[n].id, len(made[n].made), len(back.Tar), back.Err)
		}
	}
}

// driverOptions has layers that fuse-overlayfs mounted mounted by it again: else the reference takes its marks of deletion
// for those of the kernel.
func driverOptions(t *testing.T, s *corpus.Store) []string {
	t.Helper()
	if !s.Fuse {
		return nil
	}
	program, err := exec.LookPath("fuse-overlayfs")
	if err != nil && os.Getenv("CSTOR_REQUIRE_PEERS") == "1" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
	return []string{"overlay.mount_program=" + program}
}

// strip removes all tar-split files of a store.
func strip(t *testing.T, s *corpus.Store) {
	t.Helper()
	removed := 0
	for _, dir := range s.Dirs() {
		files, err := filepath.Glob(filepath.Join(dir, s.Driver+"-layers", "*.tar-split.gz"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			removed++
		}
	}
	if removed == 0 {
		t.Fatal("the store has no tar-split files")
	}
}
