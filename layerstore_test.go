package cstor_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/tarsplit"
)

// lent builds the sample with layer "app" in an additional layer store, which is at
// the path that is returned.
func lent(t *testing.T, blob []byte) (made *storetest.Store, lender string) {
	t.Helper()
	lender = filepath.Join(t.TempDir(), "lender")
	made = storetest.New(t, storetest.Sample, storetest.Options{})
	made.Apply(t, storetest.Lend("app", lender, blob))
	return made, lender
}

func lentLayer(t *testing.T, made *storetest.Store, lenders ...string) *cstor.Layer {
	t.Helper()
	s, err := cstor.Open(t.Context(), made.Root, cstor.Options{AdditionalLayerStores: lenders})
	check(t, err)
	t.Cleanup(func() { check(t, s.Close()) })
	l, err := s.Layer(made.Layer("app").ID)
	check(t, err)
	return l
}

// TestLentLayer: a layer whose tree and blob are in an additional layer store.
func TestLentLayer(t *testing.T) {
	t.Parallel()
	made, lender := lent(t, nil)
	want := made.Layer("app")
	enc, err := zstd.NewWriter(nil)
	check(t, err)
	for name, blob := range map[string][]byte{
		"gzip": nil,
		"none": want.Tar,
		"zstd": append([]byte("\x50\x2a\x4d\x18\x04\x00\x00\x00skip"), enc.EncodeAll(want.Tar, nil)...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made, lender := lent(t, blob)
			l := lentLayer(t, made, "/nowhere", lender)
			var b bytes.Buffer
			report, err := l.WriteTar(t.Context(), &b, cstor.WriteOptions{})
			check(t, err)
			if report.Verified != cstor.VerifiedDiffID || report.Approximate || !bytes.Equal(b.Bytes(), want.Tar) {
				t.Errorf("%+v, the same bytes: %t", report, bytes.Equal(b.Bytes(), want.Tar))
			}
		})
	}
	l := lentLayer(t, made, lender)
	f, err := l.OpenFile("opt/app/run")
	check(t, err)
	check(t, f.Close())
	if _, err := l.TarAt(t.Context(), cstor.TarOptions{}); !errors.Is(err, cstor.ErrNoTar) {
		t.Errorf("TarAt: %v", err)
	}
	names := 0
	for e, err := range l.Entries(t.Context()) {
		check(t, err)
		if e.Name == "opt/app/run" && e.File == "opt/app/run" && e.Size > 0 {
			names++
		}
	}
	if names != 1 {
		t.Errorf("opt/app/run is %d times among the entries", names)
	}
}

// TestLentElsewhere: links out of the store lead into configured stores only.
func TestLentElsewhere(t *testing.T) {
	t.Parallel()
	edit := func(do func(dir, home string) error) func(*storetest.Store, string) error {
		return func(made *storetest.Store, lender string) error {
			return do(made.Layer("app").Dir, storetest.LentPath(lender, made.Layer("app")))
		}
	}
	relink := func(target string) func(*storetest.Store, string) error {
		return edit(func(dir, _ string) error {
			return errors.Join(os.Remove(dir+"/diff"), os.Remove(dir+"/additionallayer"), os.Symlink(target, dir+"/diff"))
		})
	}
	for name, test := range map[string]struct {
		edit       func(made *storetest.Store, lender string) error
		configured bool
		want       error
	}{
		"none is configured":      {edit(func(string, string) error { return nil }), false, cstor.ErrUnsupported},
		"link to another folder":  {relink("/etc/diff"), true, cstor.ErrUnsupported},
		"link to the root":        {relink("/diff"), true, cstor.ErrUnsupported},
		"link to no layer":        {relink("/etc"), true, cstor.ErrDamaged},
		"relative link":           {relink("../../../lender/diff"), true, cstor.ErrDamaged},
		"unclean link":            {relink("/lender/../etc/diff"), true, cstor.ErrDamaged},
		"the note says otherwise": {edit(func(dir, _ string) error { return os.WriteFile(dir+"/additionallayer", []byte("/etc"), 0o644) }), true, cstor.ErrDamaged},
		"the layer is not there":  {edit(func(_, home string) error { return os.RemoveAll(home) }), true, cstor.ErrDamaged},
		"the store is not there":  {func(_ *storetest.Store, lender string) error { return os.RemoveAll(lender) }, true, cstor.ErrDamaged},
		"no blob":                 {edit(func(_, home string) error { return os.Remove(home + "/blob") }), true, cstor.ErrDamaged},
		"a folder is a link":      {edit(func(_, home string) error { return errors.Join(os.RemoveAll(home), os.Symlink("/etc", home)) }), true, nil},
		"the blob is a link": {edit(func(_, home string) error {
			return errors.Join(os.Remove(home+"/blob"), os.Symlink("/etc/hostname", home+"/blob"))
		}), true, nil},
		"the blob is another":      {edit(func(_, home string) error { return os.WriteFile(home+"/blob", make([]byte, 1024), 0o644) }), true, tarsplit.ErrSize},
		"the blob is damaged gzip": {edit(func(_, home string) error { return os.Truncate(home+"/blob", 60) }), true, nil},
		"the blob is xz":           {edit(func(_, home string) error { return os.WriteFile(home+"/blob", []byte("\xfd7zXZ\x00..."), 0o644) }), true, cstor.ErrUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made, lender := lent(t, nil)
			check(t, test.edit(made, lender))
			l := lentLayer(t, made, map[bool][]string{true: {lender}}[test.configured]...)
			var b bytes.Buffer
			_, err := l.WriteTar(t.Context(), &b, cstor.WriteOptions{Approximate: true})
			if err == nil || test.want != nil && !errors.Is(err, test.want) || errors.Is(err, os.ErrNotExist) {
				t.Fatalf("error %v, want %v", err, test.want)
			}
			if int64(b.Len()) > l.DiffSize() {
				t.Errorf("%d bytes written of %d", b.Len(), l.DiffSize())
			}
		})
	}
}
