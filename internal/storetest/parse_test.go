package storetest_test

import (
	"archive/tar"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor/internal/storetest"
)

func TestParseEntry(t *testing.T) {
	t.Parallel()
	header := func(kind byte, name string, mode int64) tar.Header {
		return tar.Header{Typeflag: kind, Name: name, Mode: mode}
	}
	for _, tt := range []struct {
		line string
		want storetest.Entry
	}{
		{"dir etc", storetest.Dir("etc", 0o755)},
		{"dir etc/ 0700 1:2", storetest.Dir("etc", 0o700).Owned(1, 2)},
		{`file a "x\n"`, storetest.File("a", 0o644, "x\n")},
		{`file "caf\xe9" 04755 "0755"`, storetest.File("caf\xe9", 0o4755, "0755")},
		{"file a # no content", storetest.File("a", 0o644, "")},
		{`file "#a" zeros=3`, storetest.File("#a", 0o644, "\x00\x00\x00")},
		{"file a size=2K seed=5", storetest.File("a", 0o644, string(storetest.Random(2048, 5)))},
		{"symlink a 0755", storetest.Symlink("a", "0755")},
		{"symlink a b=c 1:2", storetest.Symlink("a", "b=c").Owned(1, 2)},
		{"hardlink a b", storetest.Hardlink("a", "b")},
		{"fifo a 0666", storetest.FIFO("a", 0o666)},
		{"char a 1 3", storetest.Char("a", 0o600, 1, 3)},
		{"char a 0666 1 3", storetest.Char("a", 0o666, 1, 3)},
		{"block a 0666 7 0 0:6", storetest.Block("a", 0o666, 7, 0).Owned(0, 6)},
		{"whiteout d/gone", storetest.File("d/.wh.gone", 0, "")},
		{"opaque ./d", storetest.File("./d/.wh..wh..opq", 0, "")},
		{"global comment=x", storetest.Entry{Header: tar.Header{Typeflag: 'g', PAXRecords: map[string]string{"comment": "x"}}}},
		{"hardlink a b size=5", func() storetest.Entry {
			e := storetest.Hardlink("a", "b")
			e.Size = 5
			return e
		}()},
		{"fifo a mtime=2001-02-03T04:05:06.5Z uname=u", func() storetest.Entry {
			e := storetest.Entry{Header: header(tar.TypeFifo, "a", 0o600)}
			e.ModTime, e.Uname = time.Date(2001, 2, 3, 4, 5, 6, 5e8, time.UTC), "u"
			return e
		}()},
		{"dir a\nxattr ./a user.k=v \"user.two words=\\x00\"", storetest.Dir("a", 0o755).
			Xattr("user.k", "v").Xattr("user.two words", "\x00")},
	} {
		t.Run(tt.line, func(t *testing.T) {
			t.Parallel()
			spec, err := storetest.Parse("layer l\n" + tt.line)
			if err != nil {
				t.Fatal(err)
			}
			got := spec.Layers[0].Entries[0]
			if string(got.Content) != string(tt.want.Content) {
				t.Errorf("content %q, want %q", got.Content, tt.want.Content)
			}
			if diff := cmp.Diff(tt.want.Header, got.Header); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"unknown verb":        "layer a\nfrobnicate x",
		"entry without layer": "dir x",
		"name missing":        "layer a\ndir",
		"target missing":      "layer a\nsymlink x",
		"decimal mode":        "layer a\nfile x 644",
		"two modes":           "layer a\nfile x 0644 0644",
		"device number":       "layer a\nchar x 1",
		"content of a dir":    "layer a\ndir x \"content\"",
		"bad quoting":         "layer a\nfile x \"content",
		"unknown option":      "layer a\nfile x colour=red",
		"bad size":            "layer a\nfile x size=many",
		"bad time":            "layer a\nfile x mtime=noon",
		"xattr of nothing":    "layer a\nxattr x user.k=v",
		"layer option":        "layer a colour=red",
		"layer flag value":    "layer a flat=yes",
		"layer format":        "layer a format=cpio",
		"image format":        "image a format=schema1",
		"tar file":            "layer a tar=/nowhere/at/all",
		"fault":               "break everything now",
		"fault arguments":     "break fifo a",
		"fault value":         "break edit-layer a key {",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if spec, err := storetest.Parse(text); err == nil {
				t.Errorf("no error, but %+v", spec)
			}
		})
	}
}

func TestBuildErrors(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no such parent":     "layer a parent=b",
		"layer twice":        "layer a\nfile x\nlayer a\nfile y",
		"same content":       "layer a\nlayer b",
		"no such layer":      "image i layer=a",
		"container layer":    "layer a container\nimage i layer=a",
		"docker and zstd":    "layer a compression=zstd\nimage i layer=a format=docker",
		"unknown compressor": "layer a compression=lzma",
		"no handle":          "image -",
		"no such instance":   "index x instances=i",
		"index elsewhere":    "image i\nimage j platform=linux/arm64\nindex x instances=i in=j",
		"platform":           "image i platform=linux",
		"chunked bad name":   "layer a chunked\nfile \"\\xff\"",
		"by-toc alone":       "layer a by-toc",
		"mapped entries":     "layer a\nlayer m mapped=a\nfile x",
		"fault":              "layer a\nbreak remove a x",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			t.Cleanup(func() { // an ordinary user could not remove what was begun
				_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, _ error) error {
					if d.IsDir() {
						return os.Chmod(path, 0o700)
					}
					return nil
				})
			})
			_, err := storetest.Build(dir, text, storetest.Options{})
			if err == nil || strings.Contains(err.Error(), "spec line") {
				t.Errorf("error %v, want one of the build", err)
			}
		})
	}
}

func TestBigDataName(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"manifest":              "manifest",
		"instances.json":        "instances.json",
		"zstd-chunked-manifest": "=enN0ZC1jaHVua2VkLW1hbmlmZXN0",
		"a:":                    "a:", // a last rune is not looked at
		"aé":                    "aé",
		"a\xff":                 "a\xff",
		"éa":                    "=w6lh",
		"":                      "",
	} {
		if got := storetest.BigDataName(key); got != want {
			t.Errorf("%q: %q, want %q", key, got, want)
		}
	}
}
