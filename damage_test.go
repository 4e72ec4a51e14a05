package cstor_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/tarsplit"
)

// TestDamageInEveryShape: a damaged layer is an error that names it, however it lies on
// disk, and the reader of its descriptors gets one too where sizes tell.
func TestDamageInEveryShape(t *testing.T) {
	t.Parallel()
	const file = "etc/hostname" // of 7 bytes
	faults := map[string]struct {
		fault storetest.Fault
		want  error // nil: any
	}{
		"file missing":     {storetest.RemoveFile("base", file), nil},
		"file short":       {storetest.ResizeFile("base", file, 3), tarsplit.ErrSize},
		"file long":        {storetest.ResizeFile("base", file, 1<<20), tarsplit.ErrSize},
		"file changed":     {storetest.CorruptFile("base", file), tarsplit.ErrCRC},
		"file is a FIFO":   {storetest.ReplaceWithFIFO("base", file), nil},
		"file is a link":   {storetest.ReplaceWithLink("base", file, "/etc/hostname"), nil},
		"recipe missing":   {storetest.RemoveTarSplit("base"), cstor.ErrNoTar},
		"recipe truncated": {storetest.TruncateTarSplit("base", -10), nil},
		"recipe empty":     {storetest.TruncateTarSplit("base", 0), nil},
	}
	for shape, opts := range shapes {
		for name, test := range faults {
			t.Run(shape+", "+name, func(t *testing.T) {
				t.Parallel()
				made := storetest.New(t, sampleFor(opts), opts)
				made.Apply(t, test.fault)
				base := made.Layer("base")
				l, err := open(t, made).Layer(base.ID)
				check(t, err)
				var b bytes.Buffer
				_, err = l.WriteTar(t.Context(), &b, cstor.WriteOptions{})
				if err == nil || test.want != nil && !errors.Is(err, test.want) {
					t.Fatalf("error %v, want %v", err, test.want)
				}
				if !strings.Contains(err.Error(), base.ID) || errors.Is(err, os.ErrNotExist) || b.Len() > len(base.Tar) {
					t.Errorf("%d bytes of %d, %v", b.Len(), len(base.Tar), err)
				}
				if name == "file changed" {
					return
				}
				if err := readDescriptors(t, l); err == nil || !errors.As(err, new(*cstor.StoreError)) || !strings.Contains(err.Error(), base.ID) ||
					test.want != nil && !errors.Is(err, test.want) {
					t.Errorf("the reader of descriptors: %v", err)
				}
			})
		}
	}
}

// readDescriptors reads a layer's tar piece by piece.
func readDescriptors(t *testing.T, l *cstor.Layer) error {
	t.Helper()
	r, err := l.Tar(t.Context(), cstor.TarOptions{})
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		item, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if item.File != nil {
			check(t, item.File.Close())
		}
	}
}

// TestStreamsNameTheLayer: errors that come while a tar is read say which layer it is of.
func TestStreamsNameTheLayer(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, storetest.Sample, storetest.Options{})
	made.Apply(t, storetest.RemoveFile("base", "etc/hostname"))
	l, err := open(t, made).Layer(made.Layer("base").ID)
	check(t, err)
	for name, read := range map[string]func(*tarsplit.Reader) error{
		"Read": func(r *tarsplit.Reader) error { _, err := io.ReadAll(struct{ io.Reader }{r}); return err },
		"Copy": func(r *tarsplit.Reader) error {
			_, err := r.Copy(t.Context(), io.Discard, tarsplit.CopyOptions{})
			return err
		},
	} {
		r, err := l.Tar(t.Context(), cstor.TarOptions{})
		check(t, err)
		for range 2 { // errors are sticky
			checkNamed(t, name, l, read(r))
		}
		check(t, r.Close())
	}
	at, err := l.TarAt(t.Context(), cstor.TarOptions{})
	check(t, err)
	_, err = io.ReadAll(io.NewSectionReader(at, 0, at.Size()))
	checkNamed(t, "ReadAt", l, err)
	if n, err := at.ReadAt(make([]byte, 1), at.Size()); n != 0 || err != io.EOF { //nolint:errorlint // it must be that
		t.Errorf("at the end: %d, %v", n, err)
	}
	check(t, at.Close())
}

func checkNamed(t *testing.T, what string, l *cstor.Layer, err error) {
	t.Helper()
	root, _ := l.Store()
	if at := (*cstor.StoreError)(nil); !errors.As(err, &at) || at.Store != root || !strings.Contains(at.What, l.ID()) || !errors.As(err, new(*tarsplit.EntryError)) {
		t.Errorf("%s: %v", what, err)
	}
}

// TestLostNames: where two entries have one file, both are named.
func TestLostNames(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ spec, lost, by string }{
		"two spellings": {"file a 0644 \"first\\n\"\nfile /a 0644 \"other\\n\"\n", `"a"`, `"/a"`},
		"another size":  {"file a 0644 \"first\\n\"\nfile /a 0644 \"longer than that\\n\"\n", `"a"`, `"/a"`},
		"through a link": {
			"dir real 0755\nfile real/f 0644 \"first\\n\"\nsymlink alias real\nfile alias/f 0644 \"other\\n\"\n", `"real/f"`, `"alias/f"`,
		},
		"a directory is none any longer": {"file d/f 0644 \"first\\n\"\nfile d 0644 \"a file\\n\"\n", `"d/f"`, `"d"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made := storetest.New(t, "layer a\n"+test.spec+"image localhost/a layer=a\n", storetest.Options{})
			l, err := open(t, made).Layer(made.Layer("a").ID)
			check(t, err)
			_, err = l.WriteTar(t.Context(), new(bytes.Buffer), cstor.WriteOptions{})
			if !errors.Is(err, tarsplit.ErrLost) || !strings.Contains(err.Error(), "entry "+test.lost) || !strings.Contains(err.Error(), "entry "+test.by) {
				t.Error(err)
			}
		})
	}
}

// TestLargeTable: a table of contents over the limit is refused before it is read.
func TestLargeTable(t *testing.T) {
	t.Parallel()
	for _, words := range []string{"chunked", "flat"} {
		made := storetest.New(t, "layer a by-toc no-tar-split "+words+"\nfile f\nimage localhost/a layer=a\n", storetest.Options{})
		table := strings.TrimSuffix(made.Layer("a").TarSplit, ".tar-split.gz") + "/" + storetest.BigDataName("zstd-chunked-manifest")
		check(t, os.Truncate(table, 161<<20))
		l, err := open(t, made).Layer(made.Layer("a").ID)
		check(t, err)
		_, err = l.WriteTar(t.Context(), new(bytes.Buffer), cstor.WriteOptions{Approximate: true})
		if err == nil || !strings.Contains(err.Error(), "zstd-chunked-manifest") || !strings.Contains(err.Error(), l.ID()) {
			t.Errorf("%s: %v", words, err)
		}
	}
}
