package cstor_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
)

// TestSizeOfMadeUpRecords: what a record says of sizes gives no sum below zero.
func TestSizeOfMadeUpRecords(t *testing.T) {
	t.Parallel()
	const name = "localhost/a:1"
	for what, test := range map[string]struct {
		sizes map[string]any
		want  int64
	}{
		"negative": {map[string]any{"x": int64(math.MinInt64), "y": 5}, 5 + 1024},
		"too much": {map[string]any{"x": int64(math.MaxInt64), "y": int64(math.MaxInt64)}, math.MaxInt64},
	} {
		made := storetest.New(t, "layer l\nimage "+name+" layer=l\n", storetest.Options{})
		made.Apply(t, storetest.EditImage(name, func(r map[string]any) { r["big-data-sizes"] = test.sizes }))
		if n, err := image(t, open(t, made), name).Size(); err != nil || n != test.want {
			t.Errorf("%s: %d, want %d, %v", what, n, test.want, err)
		}
	}
}

// TestSizeOfFiles: files that cannot be looked at are an error, and counted when they can.
func TestSizeOfFiles(t *testing.T) {
	t.Parallel()
	const name = "localhost/a:1"
	made := storetest.New(t, "layer l no-tar-split\n  file a 0644 \"12345\"\nimage "+name+" layer=l\n", storetest.Options{})
	made.Apply(t, storetest.EditLayer("l", func(r map[string]any) { delete(r, "diff-digest"); delete(r, "diff-size") }))
	made.Apply(t, storetest.EditImage(name, func(r map[string]any) { r["big-data-sizes"] = map[string]any{} }))
	i := image(t, open(t, made), name)
	diff := filepath.Join(made.Root, "overlay", made.Layer("l").ID, "diff")
	check(t, os.Rename(diff, diff+"-away"))
	if n, err := i.Size(); !errors.Is(err, cstor.ErrDamaged) {
		t.Errorf("without its files: %d, %v", n, err)
	}
	check(t, os.Rename(diff+"-away", diff))
	if n, err := i.Size(); err != nil || n != 5 {
		t.Errorf("size %d, want 5, %v", n, err)
	}
}
