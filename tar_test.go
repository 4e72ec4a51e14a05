package cstor_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/tarsplit"
)

// open opens a store that a test built.
func open(tb testing.TB, s *storetest.Store) *cstor.Storage {
	tb.Helper()
	storage, err := cstor.Open(tb.Context(), s.Root, cstor.Options{Driver: s.Driver, ImageStore: s.ImageStore})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { check(tb, storage.Close()) })
	return storage
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// shapes are the ways in which the same images may lie on disk.
var shapes = map[string]storetest.Options{
	"overlay":        {},
	"old writers":    {Old: true},
	"whiteout files": {Whiteouts: storetest.WhiteoutsFiles},
	"force mask":     {ForceMask: 0o755},
	"flat composefs": {Flat: true},
	"vfs":            {Driver: "vfs"},
	"split":          {ImageStore: "images"},
	"split, old":     {ImageStore: "images", Old: true},
	"split vfs":      {ImageStore: "images", Driver: "vfs"},
	"split vfs, old": {ImageStore: "images", Driver: "vfs", Old: true},
	"no lock files":  {NoLocks: true},
}

// sampleFor leaves out of the sample what a shape cannot hold: a table of contents
// has no names that are not UTF-8, a docker manifest no zstd:chunked blobs.
func sampleFor(opts storetest.Options) string {
	if !opts.Flat {
		return storetest.Sample
	}
	lines := strings.SplitAfter(strings.ReplaceAll(storetest.Sample, "format=docker", ""), "\n")
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return strings.Contains(l, `\xe9`) }), "")
}

// TestEveryLayerIsExact: the exported tar is the one that the layer was made from,
// whatever the store's shape.
func TestEveryLayerIsExact(t *testing.T) {
	t.Parallel()
	for name, opts := range shapes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made := storetest.New(t, sampleFor(opts), opts)
			s := open(t, made)
			exported := 0
			for _, info := range made.Layers() {
				if info.DiffID == "" {
					continue // a container's
				}
				l, err := s.Layer(info.ID)
				check(t, err)
				var b bytes.Buffer
				report, err := l.WriteTar(t.Context(), &b, cstor.WriteOptions{})
				if err != nil {
					t.Errorf("layer %s: %v", info.Name, err)
					continue
				}
				if !bytes.Equal(b.Bytes(), info.Tar) {
					t.Errorf("layer %s: %d bytes, another tar of %d", info.Name, b.Len(), len(info.Tar))
				}
				if report.Verified != cstor.VerifiedDiffID || report.Digest.String() != info.DiffID || report.Size != int64(len(info.Tar)) {
					t.Errorf("layer %s: %+v", info.Name, report)
				}
				checkTarAt(t, l, info)
				checkEntries(t, l, info)
				exported++
			}
			if exported < 4 {
				t.Errorf("only %d layers", exported)
			}
		})
	}
}

func checkTarAt(t *testing.T, l *cstor.Layer, info storetest.LayerInfo) {
	t.Helper()
	at, err := l.TarAt(t.Context(), cstor.TarOptions{})
	if err != nil {
		t.Errorf("layer %s: TarAt: %v", info.Name, err)
		return
	}
	got, err := io.ReadAll(io.NewSectionReader(at, 0, at.Size()))
	if err != nil || !bytes.Equal(got, info.Tar) {
		t.Errorf("layer %s: TarAt: %d bytes of %d, %v", info.Name, len(got), len(info.Tar), err)
	}
	check(t, at.Close())
}

// checkEntries compares with what archive/tar reads in the whole tar.
func checkEntries(t *testing.T, l *cstor.Layer, info storetest.LayerInfo) {
	t.Helper()
	var got, want []string
	for e, err := range l.Entries(t.Context()) {
		if err != nil {
			t.Errorf("layer %s: Entries: %v", info.Name, err)
			return
		}
		got = append(got, fmt.Sprintf("%c %o %d:%d %d %q %q %v %q", e.Type, e.Mode, e.UID, e.GID, e.Size, e.Name, e.Linkname, e.ModTime.UTC(), e.Xattrs))
	}
	for r := tar.NewReader(bytes.NewReader(info.Tar)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		check(t, err)
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		xattrs := map[string]string{}
		for k, v := range h.PAXRecords {
			if name, ok := strings.CutPrefix(k, "SCHILY.xattr."); ok {
				xattrs[name] = v
			}
		}
		want = append(want, fmt.Sprintf("%c %o %d:%d %d %q %q %v %q", h.Typeflag, h.Mode, h.Uid, h.Gid, h.Size, h.Name, h.Linkname, h.ModTime.UTC(), xattrs))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("layer %s: entries (-archive/tar +cstor):\n%s", info.Name, diff)
	}
}

func TestWriteTarWithoutDiffID(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, storetest.Sample, storetest.Options{})
	made.Apply(t, storetest.EditLayer("base", func(r map[string]any) { delete(r, "diff-digest"); delete(r, "diff-size") }))
	l, err := open(t, made).Layer(made.Layer("base").ID)
	check(t, err)
	report, err := l.WriteTar(t.Context(), io.Discard, cstor.WriteOptions{})
	check(t, err)
	if report.Verified != cstor.VerifiedCRC || report.Digest.String() != made.Layer("base").DiffID {
		t.Errorf("%+v", report)
	}
	made.Apply(t, storetest.CorruptFile("base", "etc/hostname"))
	_, err = l.WriteTar(t.Context(), io.Discard, cstor.WriteOptions{})
	if !errors.Is(err, tarsplit.ErrCRC) {
		t.Errorf("damaged: %v", err)
	}
}

func TestWriteTarUnchecked(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, storetest.Sample, storetest.Options{})
	made.Apply(t, storetest.EditLayer("base", func(r map[string]any) { delete(r, "diff-digest"); delete(r, "diff-size") }))
	made.Apply(t, storetest.RawTarSplit("base", `{"type":1,"name":"etc/hostname","size":7,"payload":null,"position":0}`))
	l, err := open(t, made).Layer(made.Layer("base").ID)
	check(t, err)
	report, err := l.WriteTar(t.Context(), io.Discard, cstor.WriteOptions{})
	if err != nil || report.Size != 7 || report.Verified != cstor.VerifiedNothing {
		t.Errorf("%+v, %v", report, err)
	}
	if _, err := l.WriteTar(t.Context(), io.Discard, cstor.WriteOptions{NoVerify: true, CheckCRC: true}); err == nil {
		t.Error("NoVerify and CheckCRC: no error")
	}
}

func TestWriteTarNoVerify(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, storetest.Sample, storetest.Options{})
	made.Apply(t, storetest.CorruptFile("base", "etc/hostname"))
	l, err := open(t, made).Layer(made.Layer("base").ID)
	check(t, err)
	report, err := l.WriteTar(t.Context(), io.Discard, cstor.WriteOptions{NoVerify: true})
	if err != nil || report.Verified != cstor.VerifiedNothing || report.Digest != "" || report.Size != int64(len(made.Layer("base").Tar)) {
		t.Errorf("%+v %v", report, err)
	}
}

// TestDamagedLayers: what is wrong in a layer is one error that names store, layer
// and entry, and never gives more bytes than were recorded.
func TestDamagedLayers(t *testing.T) {
	t.Parallel()
	var (
		entry    = func(err error) bool { return errors.As(err, new(*tarsplit.EntryError)) }
		format   = func(err error) bool { return errors.As(err, new(*tarsplit.FormatError)) }
		mismatch = func(err error) bool { return errors.As(err, new(*cstor.MismatchError)) }
		is       = func(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }
	)
	outside := filepath.Join(t.TempDir(), "outside")
	check(t, os.WriteFile(outside, []byte("sample\n"), 0o644))
	const file = "etc/hostname" // of 7 bytes: those that the file outside has
	for name, test := range map[string]struct {
		fault storetest.Fault
		want  func(error) bool
		names string // text that the error must have
	}{
		"file missing":            {storetest.RemoveFile("base", file), is(tarsplit.ErrMissing), file},
		"file short":              {storetest.ResizeFile("base", file, 3), is(tarsplit.ErrSize), file},
		"file long":               {storetest.ResizeFile("base", file, 300), is(tarsplit.ErrSize), file},
		"file changed":            {storetest.CorruptFile("base", file), func(err error) bool { return mismatch(err) && entry(err) }, file},
		"file is a FIFO":          {storetest.ReplaceWithFIFO("base", file), entry, file},
		"file is a link out":      {storetest.ReplaceWithLink("base", file, outside), entry, file},
		"file is a relative link": {storetest.ReplaceWithLink("base", file, "passwd"), entry, file},
		"folder is a link out":    {storetest.ReplaceWithLink("base", "etc", filepath.Dir(outside)), is(tarsplit.ErrMissing), "etc/"},
		"recipe missing":          {storetest.RemoveTarSplit("base"), is(cstor.ErrNoTar), "tar-split"},
		"recipe truncated":        {storetest.TruncateTarSplit("base", -10), format, "tar-split"},
		"recipe empty":            {storetest.TruncateTarSplit("base", 0), format, "tar-split"},
		"recipe is text":          {storetest.WriteFile("overlay-layers/BASE.tar-split.gz", "hello"), format, "tar-split"},
		"recipe is a bomb":        {storetest.BombTarSplit("base", 1<<30), format, "tar-split"},
		"recipe gives more":       {storetest.RawTarSplit("base", `{"type":1,"name":"etc/hostname","size":7,"payload":null,"position":0}`), is(tarsplit.ErrSize), "tar-split"},
		"name climbs out":         {storetest.RawTarSplit("base", `{"type":1,"name":"../../../../../../../../../..`+outside+`","size":7,"payload":null,"position":0}`), is(tarsplit.ErrMissing), "outside"},
		"name has a NUL":          {storetest.RawTarSplit("base", `{"type":1,"name":"etc/hos\u0000tname","size":7,"payload":null,"position":0}`), entry, "hos"},
		"name is a device":        {storetest.RawTarSplit("base", `{"type":1,"name":"dev/null","size":7,"payload":null,"position":0}`), entry, "dev/null"},
		"name is a folder":        {storetest.RawTarSplit("base", `{"type":1,"name":"etc","size":7,"payload":null,"position":0}`), entry, "etc"},
		"diff id is wrong":        {storetest.EditLayer("base", func(r map[string]any) { r["diff-digest"] = "sha256:" + strings.Repeat("0", 64) }), mismatch, "diff id"},
		"diff id is no digest":    {storetest.EditLayer("base", func(r map[string]any) { r["diff-digest"] = "sha256:../.." }), func(err error) bool { return err != nil }, "diff id"},
		"diff size is small":      {storetest.EditLayer("base", func(r map[string]any) { r["diff-size"] = 600 }), is(tarsplit.ErrSize), "600"},
		"diff size is gone":       {storetest.EditLayer("base", func(r map[string]any) { delete(r, "diff-size") }), is(tarsplit.ErrSize), "0 bytes"},
		"diff size is large":      {storetest.EditLayer("base", func(r map[string]any) { r["diff-size"] = int64(1) << 40 }), is(tarsplit.ErrSize), ""},
		"tree missing":            {storetest.Delete("overlay/BASE"), is(cstor.ErrDamaged), "overlay/"},
		"diff missing":            {storetest.Delete("overlay/BASE/diff"), is(cstor.ErrDamaged), "diff"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made := storetest.New(t, storetest.Sample, storetest.Options{})
			base := made.Layer("base")
			if strings.HasPrefix(name, "recipe is text") {
				test.fault = storetest.WriteFile("overlay-layers/"+base.ID+".tar-split.gz", "hello")
			}
			switch name {
			case "tree missing":
				test.fault = storetest.Delete("overlay/" + base.ID)
			case "diff missing":
				test.fault = storetest.Delete("overlay/" + base.ID + "/diff")
			}
			made.Apply(t, test.fault)
			s := open(t, made)
			l, err := s.Layer(base.ID)
			check(t, err)
			var b bytes.Buffer
			_, err = l.WriteTar(t.Context(), &b, cstor.WriteOptions{})
			if !test.want(err) {
				t.Fatalf("error %v", err)
			}
			for _, text := range []string{made.Root, base.ID, test.names} {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("the error does not name %q: %v", text, err)
				}
			}
			if errors.Is(err, os.ErrNotExist) {
				t.Errorf("damage looks like absence: %v", err)
			}
			if b.Len() > len(base.Tar) {
				t.Errorf("%d bytes were written, %d recorded", b.Len(), len(base.Tar))
			}
		})
	}
}

func TestContainerLayerHasNoTar(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, storetest.Sample, storetest.Options{})
	l, err := open(t, made).Layer(made.Container("work").Layer.ID)
	check(t, err)
	if _, err := l.WriteTar(t.Context(), io.Discard, cstor.WriteOptions{}); !errors.Is(err, cstor.ErrNoTar) {
		t.Error(err)
	}
	if _, err := l.Tar(t.Context(), cstor.TarOptions{}); !errors.Is(err, cstor.ErrNoTar) {
		t.Error(err)
	}
}

func TestTarOfRemovedLayer(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, storetest.Sample, storetest.Options{})
	s := open(t, made)
	l, err := s.Layer(made.Layer("base").ID)
	check(t, err)
	r, err := l.Tar(t.Context(), cstor.TarOptions{})
	check(t, err)
	defer r.Close()
	_, err = io.ReadFull(r, make([]byte, 512))
	check(t, err)
	made.Apply(t, storetest.Delete("overlay/"+l.ID()), storetest.DropLayer("base"))
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, tarsplit.ErrMissing) {
		t.Errorf("half read, then removed: %v", err)
	}
	_, err = l.WriteTar(t.Context(), io.Discard, cstor.WriteOptions{})
	if !errors.Is(err, cstor.ErrDamaged) && !errors.Is(err, tarsplit.ErrMissing) || !strings.Contains(err.Error(), "changed since") {
		t.Errorf("removed before: %v", err)
	}
}

func TestWriteTarStops(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, storetest.Sample, storetest.Options{})
	l, err := open(t, made).Layer(made.Layer("base").ID)
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := l.WriteTar(ctx, cancelling(cancel), cstor.WriteOptions{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// cancelling is a writer during whose first write the context ends.
type cancelling func()

func (c cancelling) Write(p []byte) (int, error) {
	c()
	return len(p), nil
}
