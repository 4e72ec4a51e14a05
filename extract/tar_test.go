package extract_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cstor-go/cstor/extract"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/tarsplit"
)

// TestTar: GNU tar unpacks what Dir extracts.
func TestTar(t *testing.T) {
	t.Parallel()
	needRoot(t)
	for name, spec := range map[string]string{"stack": stackSpec, "rights": rightsSpec, "sample": storetest.Sample} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			image := "i"
			if name == "sample" {
				image = "docker.io/library/sample:1"
			}
			layers := layersOf(t, storetest.New(t, spec, storetest.Options{}), image)
			var out bytes.Buffer
			report, err := extract.Tar(t.Context(), layers, &out, extract.TarOptions{Verify: true})
			check(t, err)
			written := out.Bytes()
			last := ""
			n := int64(0)
			for r := tar.NewReader(bytes.NewReader(written)); ; n++ {
				h, err := r.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				check(t, err)
				if name := strings.ReplaceAll(strings.TrimSuffix(h.Name, "/"), "/", "\x00"); n > 0 && name <= last {
					t.Errorf("%q comes after %q", name, last)
				} else if last = name; n == 0 {
					if last = ""; name != "." {
						t.Errorf("first is %q", name)
					}
				}
			}
			if all := report.Files + report.Links + report.Dirs + report.Symlinks + report.Others; all != n || len(report.Unverified) > 0 {
				t.Errorf("%d entries, %+v", n, report)
			}
			dir := t.TempDir()
			cmd := exec.Command("tar", "-xp", "--numeric-owner", "--xattrs", "--xattrs-include=*", "-C", dir)
			cmd.Stdin = bytes.NewReader(written)
			if text, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			compare(t, survey(t, dir), want(t, layers))

			var again bytes.Buffer
			_, err = extract.Tar(t.Context(), layers, &again, extract.TarOptions{})
			if err != nil || !bytes.Equal(again.Bytes(), written) {
				t.Errorf("not the same again: %v", err)
			}
		})
	}
}

// TestTarOfPath is a part of the tree, as Dir extracts it.
func TestTarOfPath(t *testing.T) {
	t.Parallel()
	layers := stackOf(t, "layer l\n  file a 0644 \"a\"\n  hardlink d/b a\n  hardlink d/c a\nimage i layer=l\n")
	var out bytes.Buffer
	_, err := extract.Tar(t.Context(), layers, &out, extract.TarOptions{Path: "d"})
	check(t, err)
	r := tar.NewReader(&out)
	for _, want := range []tar.Header{{Name: "./", Typeflag: '5'}, {Name: "b", Typeflag: '0', Size: 1}, {Name: "c", Typeflag: '1', Linkname: "b"}} {
		h, err := r.Next()
		check(t, err)
		if h.Name != want.Name || h.Typeflag != want.Typeflag || h.Size != want.Size || h.Linkname != want.Linkname {
			t.Errorf("%+v", h)
		}
	}
}

// TestTarErrors names entries, and layers.
func TestTarErrors(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]error{
		"break replace l a/f \"123\"\n": tarsplit.ErrSize,
		"break remove l a/f\n":          tarsplit.ErrMissing,
	} {
		layers := stackOf(t, "layer l\n  file a/f 0644 \"12345\"\nimage i layer=l\n"+fault)
		_, err := extract.Tar(t.Context(), layers, io.Discard, extract.TarOptions{})
		var entry *extract.EntryError
		if !errors.Is(err, want) || !errors.As(err, &entry) || entry.Name != "a/f" || entry.Layer != layers[0] {
			t.Errorf("%s: %v", fault, err)
		}
	}
	layers := stackOf(t, stackSpec)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := extract.Tar(ctx, layers, io.Discard, extract.TarOptions{Progress: func(int64) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := extract.Tar(t.Context(), layers, io.Discard, extract.TarOptions{Path: filepath.Join("etc", "nothing")}); err == nil {
		t.Error("no error")
	}
}
