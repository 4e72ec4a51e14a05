package driver_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/internal/storetest"
)

// TestOpenErrors also counts descriptors: it does not run beside other tests, and
// without the garbage collector, which would close what was forgotten.
func TestOpenErrors(t *testing.T) {
	mkdirs := func(n int) func(d string) error {
		return func(d string) error {
			err := os.Mkdir(filepath.Join(d, "diff"), 0o755)
			for i := range n {
				err = errors.Join(err, os.Mkdir(filepath.Join(d, fmt.Sprintf("diff%d", i+1)), 0o755))
			}
			return err
		}
	}
	cases := []struct {
		name string
		make func(dir string) error
		good bool
	}{
		{name: "no diff", make: func(string) error { return nil }},
		{name: "diff is a file", make: func(d string) error { return os.WriteFile(filepath.Join(d, "diff"), nil, 0o644) }},
		{name: "diff is a link", make: func(d string) error { return os.Symlink("/", filepath.Join(d, "diff")) }},
		{name: "diff1 is a link", make: func(d string) error {
			return errors.Join(mkdirs(0)(d), os.Symlink("/", filepath.Join(d, "diff1")))
		}},
		{name: "15 copies", make: mkdirs(15), good: true},
		{name: "16 copies", make: mkdirs(16)},
	}
	whole := t.TempDir()
	if err := mkdirs(2)(whole); err != nil {
		t.Fatal(err)
	}
	lower := openDir(t, whole)
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for _, c := range cases {
		dir := t.TempDir()
		if err := c.make(dir); err != nil {
			t.Fatal(err)
		}
		d := openDir(t, dir)
		before := descriptors(t)
		for _, open := range []func() (layer, error){
			func() (layer, error) { return driver.OpenOverlay(d, driver.OverlayOptions{}) },
			func() (layer, error) {
				return driver.OpenOverlay(lower, driver.OverlayOptions{Lowers: []*beneath.Dir{lower, d}})
			},
		} {
			l, err := open()
			if (err == nil) != c.good {
				t.Errorf("%s: %v", c.name, err)
			}
			if err == nil {
				if err := errors.Join(l.Close(), l.Close()); err != nil { // twice is fine
					t.Errorf("%s: %v", c.name, err)
				}
			}
		}
		if now := descriptors(t); now != before {
			t.Errorf("%s: %d descriptors, were %d", c.name, now, before)
		}
	}
	flat := openDir(t, storetest.New(t, "layer a flat\n file f", storetest.Options{}).Layer("a").Dir)
	before := descriptors(t)
	for _, table := range []string{"", "{}x", `{"version":1,"entries":[{"name":"a","type":"odd"}]}`, `{"version":1,"entries":[]}`} {
		if l, err := driver.OpenComposefs(flat, strings.NewReader(table)); err == nil {
			if err := errors.Join(l.Close(), l.Close()); err != nil {
				t.Error(err)
			}
		}
	}
	for _, id := range []string{"", ".", "..", "/", "a/b", "nothing", "\x00"} {
		if l, err := driver.OpenVFS(lower, id, driver.VFSOptions{}); err == nil {
			t.Errorf("layer %q: %v", id, l)
		}
	}
	if now := descriptors(t); now != before {
		t.Errorf("%d descriptors, were %d", now, before)
	}
}

// TestCallsLeakNothing makes every call succeed and fail, with the collector off.
func TestCallsLeakNothing(t *testing.T) {
	s := storetest.New(t, `
layer a container
  dir  d
  file d/f "x"
  file stub size=4K
  fifo pipe
`, storetest.Options{})
	info := s.Layer("a")
	setXattr(t, filepath.Join(info.Diff, "stub"), "user.overlay.metacopy", "")
	setXattr(t, filepath.Join(info.Diff, "d/f"), "user.containers.override_stat", "bad")
	l := open(t, info, driver.OverlayOptions{Container: true, WhiteoutFiles: true, Lowers: []*beneath.Dir{openDir(t, info.Dir)}})
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	// The first call may open what is kept.
	_, _ = l.Lstat("d")
	before := descriptors(t)
	for _, name := range []string{"", "d", "d/f", "stub", "pipe", "nothing", "d/f/x", "\x00"} {
		if f, err := l.OpenFile(name); err == nil {
			_ = f.Close()
		}
		_, _ = l.Lstat(name)
		_, _ = l.ReadDir(name)
	}
	if now := descriptors(t); now != before {
		t.Errorf("%d descriptors, were %d", now, before)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(list)
}
