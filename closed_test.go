package cstor_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
)

// TestClosedTree: a store whose lists may be read and whose trees may not, as root's is to
// others, is not damaged.
func TestClosedTree(t *testing.T) {
	storetest.AsUser(t, func(t *testing.T) {
		for driver, folder := range map[string]string{"overlay": "overlay", "vfs": "vfs/dir"} {
			made := storetest.New(t, "layer l\n  file f 0644\nimage i layer=l\n", storetest.Options{Driver: driver})
			closed := filepath.Join(made.Root, folder)
			if err := os.Chmod(closed, 0); err != nil {
				t.Fatal(err)
			}
			defer os.Chmod(closed, 0o700) // so that it can be removed
			l, err := open(t, made).Layer(made.Layer("l").ID)
			if err != nil {
				t.Fatal(err)
			}
			f, err := l.OpenFile("f")
			if !errors.Is(err, fs.ErrPermission) || errors.Is(err, cstor.ErrDamaged) || f != nil {
				t.Errorf("%s: error %v", driver, err)
			}
		}
	})
}

// TestUnreadable: what is there and cannot be read is not taken for absent.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, storetest.Sample, storetest.Options{})
	mark := filepath.Join(made.Root, "overlay/.has-mount-program")
	check(t, errors.Join(os.Remove(mark), os.Mkdir(mark, 0o755)))
	l, err := open(t, made).Layer(made.Layer("base").ID)
	check(t, err)
	if _, err := l.Lstat("etc"); err == nil || !strings.Contains(err.Error(), ".has-mount-program") {
		t.Errorf("mount program: %v", err)
	}

	split := storetest.New(t, "layer l chunked\n  file a 0644 \"a\"\nimage i layer=l\n", storetest.Options{ImageStore: "images"})
	l, err = open(t, split).Layer(split.Layer("l").ID)
	check(t, err)
	key := l.BigDataNames()[0]
	for _, root := range []string{split.Root, split.ImageStore} {
		item := filepath.Join(root, "overlay-layers", l.ID(), storetest.BigDataName(key))
		check(t, os.RemoveAll(item))
		if store, _ := l.Store(); store == root {
			check(t, os.MkdirAll(item, 0o755))
		}
	}
	if _, err := l.BigData(key); err == nil || errors.Is(err, cstor.ErrDamaged) {
		t.Errorf("big data that is a directory: %v", err)
	}
}
