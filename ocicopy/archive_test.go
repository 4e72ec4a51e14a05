package ocicopy_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/ocicopy"
	"github.com/cstor-go/cstor/ocisource"
)

// untar returns the files of an archive; each name must be there once, and the archive
// must end as a tar does.
func untar(t *testing.T, raw []byte) map[string][]byte {
	t.Helper()
	if len(raw)%512 != 0 || len(raw) < 1024 || !bytes.Equal(raw[len(raw)-1024:], make([]byte, 1024)) {
		t.Errorf("%d bytes are no tar", len(raw))
	}
	files := map[string][]byte{}
	for r := tar.NewReader(bytes.NewReader(raw)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		check(t, err)
		if _, ok := files[h.Name]; ok || h.Typeflag != tar.TypeReg || path.Clean(h.Name) != h.Name || path.IsAbs(h.Name) {
			t.Errorf("entry %q, type %c", h.Name, h.Typeflag)
		}
		files[h.Name], err = io.ReadAll(r)
		check(t, err)
	}
}

// TestOCIArchive: unpacked, it is the layout.
func TestOCIArchive(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, two, storetest.Options{})
	s := open(t, made)
	images := []ocicopy.Image{{Image: image(t, s, "one:1")}, {Image: image(t, s, "two:2"), Ref: "x"}, {Image: image(t, s, "two:2"), Ref: "y"}}
	for _, c := range []ocisource.Compression{ocisource.None, ocisource.Zstd} {
		dir := t.TempDir()
		file := filepath.Join(dir, "archive")
		check(t, os.WriteFile(file, []byte("old"), 0o640))
		opts := ocicopy.Options{Source: ocisource.Options{Compression: c, Spool: t.TempDir()}}
		opts.Sync = true
		report, err := ocicopy.Copy(t.Context(), images, ocicopy.OCIArchive{File: file}, opts)
		check(t, err)
		if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o640 {
			t.Errorf("mode %v, %v", st.Mode(), err)
		}
		unpacked := filepath.Join(dir, "unpacked")
		for name, content := range untar(t, []byte(readFile(t, file))) {
			check(t, os.MkdirAll(filepath.Dir(filepath.Join(unpacked, name)), 0o755))
			check(t, os.WriteFile(filepath.Join(unpacked, name), content, 0o644))
		}
		index, blobs := readLayout(t, unpacked)
		for n, ref := range []string{"localhost/one:1", "x", "y"} {
			if d, _ := manifest(t, index, blobs, ref); d.Digest != report.Images[n].Descriptor.Digest {
				t.Errorf("%s: %v", ref, d)
			}
		}
		if len(blobs) != 3+2+2 {
			t.Errorf("%d blobs", len(blobs))
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
			t.Errorf("left: %v, %v", left, err)
		}
	}
}

// TestDockerArchive: one item for each image, with its tags and its layers.
func TestDockerArchive(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, two, storetest.Options{})
	s := open(t, made)
	one, other := image(t, s, "one:1"), image(t, s, "two:2")
	file := filepath.Join(t.TempDir(), "archive")
	_, err := ocicopy.Copy(t.Context(), []ocicopy.Image{
		{Image: one}, {Image: other, Ref: "app"}, {Image: other, Ref: "quay.io/me/app@" + storetest.Digest(nil)}, {Image: other, Ref: "localhost:5000/app:v1"},
	}, ocicopy.DockerArchive{File: file}, ocicopy.Options{})
	check(t, err)
	files := untar(t, []byte(readFile(t, file)))
	layer := func(name string) string { return made.Layer(name).DiffID[7:] + ".tar" }
	for _, name := range []string{"l", "m", "n"} {
		if !bytes.Equal(files[layer(name)], made.Layer(name).Tar) {
			t.Errorf("layer %s: %d bytes", name, len(files[layer(name)]))
		}
	}
	for name, id := range map[string]string{"localhost/one:1": one.ID(), "localhost/two:2": other.ID()} {
		if !bytes.Equal(files[id+".json"], made.Image(name).Config) {
			t.Errorf("%s: another configuration", name)
		}
	}
	var got any
	check(t, json.Unmarshal(files["manifest.json"], &got))
	want := []any{
		map[string]any{"Config": one.ID() + ".json", "RepoTags": []any{"localhost/one:1"}, "Layers": []any{layer("l"), layer("m")}},
		map[string]any{"Config": other.ID() + ".json", "RepoTags": []any{"docker.io/library/app:latest", "localhost:5000/app:v1"}, "Layers": []any{layer("l"), layer("n")}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if len(files) != 6 {
		t.Errorf("%d files", len(files))
	}
}

// TestArchiveToFIFO: what is no regular file is written to.
func TestArchiveToFIFO(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, two, storetest.Options{})
	images := []ocicopy.Image{{Image: image(t, open(t, made), "one:1"), Ref: "r"}}
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	check(t, unix.Mkfifo(fifo, 0o600))
	got := make(chan []byte)
	go func() {
		b, _ := os.ReadFile(fifo)
		got <- b
	}()
	opts := ocicopy.Options{Source: ocisource.Options{Spool: dir}}
	_, err := ocicopy.Copy(t.Context(), images, ocicopy.OCIArchive{File: fifo}, opts)
	check(t, err)
	if files := untar(t, <-got); len(files) != 2+2+2 {
		t.Errorf("%d files", len(files))
	}
	if _, err := ocicopy.Copy(t.Context(), images, ocicopy.OCIArchive{File: "/dev/full"}, opts); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("/dev/full: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestArchiveThroughLink: the link stays, and what it leads to is replaced.
func TestArchiveThroughLink(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, two, storetest.Options{})
	images := []ocicopy.Image{{Image: image(t, open(t, made), "one:1"), Ref: "r"}}
	dir := t.TempDir()
	check(t, os.Mkdir(filepath.Join(dir, "d"), 0o755))
	check(t, os.WriteFile(filepath.Join(dir, "d", "real"), nil, 0o644))
	check(t, os.Symlink("d/real", filepath.Join(dir, "link")))
	_, err := ocicopy.Copy(t.Context(), images, ocicopy.DockerArchive{File: filepath.Join(dir, "link")}, ocicopy.Options{})
	check(t, err)
	untar(t, []byte(readFile(t, filepath.Join(dir, "d", "real"))))
	if to, err := os.Readlink(filepath.Join(dir, "link")); err != nil || to != "d/real" {
		t.Errorf("%s, %v", to, err)
	}
}

// TestArchiveIsTheSame each time, if layers are not copied at once.
func TestArchiveIsTheSame(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, two, storetest.Options{})
	images := []ocicopy.Image{{Image: image(t, open(t, made), "one:1"), Ref: "r"}}
	var first string
	for range 2 {
		file := filepath.Join(t.TempDir(), "archive")
		_, err := ocicopy.Copy(t.Context(), images, ocicopy.OCIArchive{File: file}, ocicopy.Options{Parallel: 1})
		check(t, err)
		if got := readFile(t, file); first == "" {
			first = got
		} else if got != first {
			t.Error("other bytes")
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]ocicopy.Target{
		"dir":                            {Transport: ocicopy.TransportOCI, Path: "dir"},
		"./a:b":                          {Transport: ocicopy.TransportOCI, Path: "./a:b"},
		"/a/b:c":                         {Transport: ocicopy.TransportOCI, Path: "/a/b:c"},
		"oci:dir":                        {Transport: ocicopy.TransportOCI, Path: "dir"},
		"oci:/a/b:ref":                   {Transport: ocicopy.TransportOCI, Path: "/a/b", Ref: "ref"},
		"oci:dir:localhost:5000/a:1":     {Transport: ocicopy.TransportOCI, Path: "dir", Ref: "localhost:5000/a:1"},
		"oci-archive:f.tar:a@b":          {Transport: ocicopy.TransportOCIArchive, Path: "f.tar", Ref: "a@b"},
		"docker-archive:f":               {Transport: ocicopy.TransportDockerArchive, Path: "f"},
		"docker-archive:f:app":           {Transport: ocicopy.TransportDockerArchive, Path: "f", Ref: "docker.io/library/app:latest"},
		"docker-archive:f:h:5000/app:v1": {Transport: ocicopy.TransportDockerArchive, Path: "f", Ref: "h:5000/app:v1"},
		"docker://app":                   {Transport: ocicopy.TransportDocker, Path: "docker.io/library/app", Ref: "latest"},
		"docker://localhost:5000/a/b:v1": {Transport: ocicopy.TransportDocker, Path: "localhost:5000/a/b", Ref: "v1"},
	} {
		got, err := ocicopy.ParseDestination(text)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
		if again, err := ocicopy.ParseDestination(got.String()); err != nil || again != got {
			t.Errorf("%s, written as %s: %+v, %v", text, got, again, err)
		}
	}
	if text := (ocicopy.Target{Transport: ocicopy.TransportOCI, Path: "a:b"}).String(); text != "./a:b" {
		t.Error(text)
	}
	for text, want := range map[string]error{
		"": ocicopy.ErrDestination, "oci:": ocicopy.ErrDestination, "oci::ref": ocicopy.ErrDestination,
		"oci:dir:": ocicopy.ErrReference, "oci:dir:a b": ocicopy.ErrReference, "oci:dir:/a": ocicopy.ErrReference, "oci:dir:a--b--": ocicopy.ErrReference,
		"ocidir:a": ocicopy.ErrDestination, "docker-daemon:a": ocicopy.ErrDestination, "dir:a": ocicopy.ErrDestination,
		"docker:a": ocicopy.ErrDestination, "docker://": ocicopy.ErrReference, "docker://UPPER/x y": ocicopy.ErrReference,
		"docker://a@" + storetest.Digest(nil): ocicopy.ErrReference, "docker-archive:f:a@" + storetest.Digest(nil): ocicopy.ErrReference,
		"docker-archive:f:A": ocicopy.ErrReference,
	} {
		if got, err := ocicopy.ParseDestination(text); !errors.Is(err, want) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func FuzzParseDestination(f *testing.F) {
	for _, text := range []string{"dir", "oci:dir:a/b:c", "oci-archive:f", "docker-archive:f:a:b", "docker://h:1/a:b", "oci:a:b--c", "/:", ".:x", "docker://a@sha256:" + strings.Repeat("0", 64)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ocicopy.ParseDestination(text)
		if err != nil {
			if !errors.Is(err, ocicopy.ErrDestination) && !errors.Is(err, ocicopy.ErrReference) || len(err.Error()) > 2000 {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		again, err := ocicopy.ParseDestination(got.String())
		if err != nil || again != got {
			t.Errorf("%q: %+v, then %+v, %v", text, got, again, err)
		}
	})
}
