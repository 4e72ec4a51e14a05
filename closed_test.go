package cstor_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
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
