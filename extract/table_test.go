package extract_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/extract"
	"github.com/cstor-go/cstor/internal/storetest"
)

// tableOf makes a layer with a link "a" to "x", which is told by a table of contents with
// one entry.
func tableOf(t *testing.T, entry string) []*cstor.Layer {
	t.Helper()
	made := storetest.New(t, "layer l by-toc no-tar-split chunked\n  symlink a x\nimage i layer=l\n", storetest.Options{})
	table := strings.TrimSuffix(made.Layer("l").TarSplit, ".tar-split.gz") + "/" + storetest.BigDataName("zstd-chunked-manifest")
	check(t, os.WriteFile(table, []byte(`{"version":1,"entries":[`+entry+`]}`), 0o600))
	return layersOf(t, made, "i")
}

// TestTableNames: a table of contents with names that no tar can have is an error.
func TestTableNames(t *testing.T) {
	t.Parallel()
	for name, entry := range map[string]string{
		"of a link that is a file of a layer": `{"name":"\u00009","type":"symlink","linkName":"x","mode":511}`,
		"in the middle":                       `{"name":"a\u0000b","type":"dir","mode":493}`,
		"of a target":                         `{"name":"a","type":"symlink","linkName":"x\u0000","mode":511}`,
		"whole":                               `{"name":"a","type":"symlink","linkName":"x","mode":511}`,
	} {
		layers := tableOf(t, entry)
		refused := func(err error) bool { return err != nil && strings.Contains(err.Error(), "a NUL in the name") }
		_, tarErr := extract.Tar(t.Context(), layers, io.Discard, extract.TarOptions{})
		dir := filepath.Join(t.TempDir(), "out")
		t.Cleanup(func() { _ = os.Chmod(dir, 0o700) }) // else an ordinary user cannot remove it
		_, dirErr := extract.Dir(t.Context(), layers, dir, extract.Options{Reflink: extract.ReflinkAuto, NoSameOwner: true})
		if name == "whole" {
			check(t, tarErr)
			check(t, dirErr)
		} else if !refused(tarErr) || !refused(dirErr) {
			t.Errorf("%s: tar: %v; directory: %v", name, tarErr, dirErr)
		}
	}
}
