package driver_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/internal/ondisk"
	"github.com/cstor-go/cstor/internal/storetest"
)

// specOf says how a layer of a store is opened.
func specOf(info storetest.LayerInfo, opts driver.OverlayOptions, lowers ...storetest.LayerInfo) driver.Spec {
	spec := driver.Spec{Layer: driver.Place{ID: info.ID}, WhiteoutFiles: opts.WhiteoutFiles, Container: opts.Container}
	switch {
	case info.Link == "":
		spec.Form = driver.FormVFS
	case exists(info.Dir + "/composefs-data"):
		spec.Form, spec.Tables = driver.FormFlat, []int{0}
	}
	for _, l := range lowers {
		spec.Lowers = append(spec.Lowers, driver.Place{ID: l.ID})
	}
	return spec
}

func TestOpenBySpec(t *testing.T) {
	t.Parallel()
	for _, f := range forms {
		s := storetest.New(t, "layer a\n file f \"content\"\n", f.opts)
		stores := []*beneath.Dir{openDir(t, s.Root)}
		l, err := driver.Open(stores, specOf(s.Layer("a"), f.overlay()))
		if err != nil {
			t.Fatalf("%s: %v", f.name, err)
		}
		if got, err := readFile(l, "f"); got != "content" || err != nil {
			t.Errorf("%s: %q, %v", f.name, got, err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestSpecErrors: what is no layer's folder is refused before anything is opened.
func TestSpecErrors(t *testing.T) {
	t.Parallel()
	s := storetest.New(t, "layer a\n file f \"content\"\n", storetest.Options{})
	stores := []*beneath.Dir{openDir(t, s.Root)}
	good := driver.Place{ID: s.Layer("a").ID}
	for name, spec := range map[string]driver.Spec{
		"no id":              {},
		"above":              {Layer: driver.Place{ID: ".."}},
		"a path":             {Layer: driver.Place{ID: "l/../" + good.ID}},
		"NUL":                {Layer: driver.Place{ID: "a\x00b"}},
		"long":               {Layer: driver.Place{ID: strings.Repeat("a", 256)}},
		"no such store":      {Layer: driver.Place{Store: 1, ID: good.ID}},
		"a negative store":   {Layer: driver.Place{Store: -1, ID: good.ID}},
		"no such form":       {Layer: good, Form: 3},
		"a negative form":    {Layer: good, Form: -1},
		"a lower above":      {Layer: good, Lowers: []driver.Place{{ID: ".."}}},
		"a lower elsewhere":  {Layer: good, Lowers: []driver.Place{{Store: 1, ID: good.ID}}},
		"a table elsewhere":  {Layer: good, Form: driver.FormFlat, Tables: []int{0, 7}},
		"too many lowers":    {Layer: good, Lowers: make([]driver.Place, 1000)},
		"vfs, not a folder":  {Layer: driver.Place{ID: "."}, Form: driver.FormVFS},
		"flat, not a folder": {Layer: driver.Place{ID: "/"}, Form: driver.FormFlat},
	} {
		if _, err := driver.Open(stores, spec); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, spec := range map[string]driver.Spec{
		"no such layer": {Layer: driver.Place{ID: "none"}},
		"no vfs":        {Layer: good, Form: driver.FormVFS},
		"no table":      {Layer: good, Form: driver.FormFlat, Tables: []int{0}},
		"tables nowhere": {
			Layer: good, Form: driver.FormFlat,
		},
	} {
		if _, err := driver.Open(stores, spec); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTablePlaces: where the table of contents of a flat layer is looked for.
func TestTablePlaces(t *testing.T) {
	t.Parallel()
	var flat form
	for _, f := range forms {
		if f.flat {
			flat = f
		}
	}
	s := storetest.New(t, "layer a\n file f \"content\"\n", flat.opts)
	info := s.Layer("a")
	spec := specOf(info, flat.overlay())
	spec.Tables = []int{1, 0}
	damaged := errors.New("any but absence")
	for name, c := range map[string]struct {
		put func(table string) error // in the store that is asked first
		err error
	}{
		"there":    {func(string) error { return nil }, nil},
		"a folder": {func(table string) error { return os.Mkdir(table, 0o755) }, beneath.ErrNotRegular},
		"too large": {func(table string) error {
			return errors.Join(os.WriteFile(table, nil, 0o644), os.Truncate(table, driver.MaxTable+1))
		}, beneath.ErrTooLarge},
		"no table at all": {func(table string) error { return os.WriteFile(table, []byte("[]"), 0o644) }, damaged},
		"below a file": {func(table string) error {
			return errors.Join(os.Remove(filepath.Dir(table)), os.WriteFile(filepath.Dir(table), nil, 0o644))
		}, syscall.ENOTDIR},
		"not even a place": {func(table string) error { return os.Remove(filepath.Dir(table)) }, nil},
	} {
		first := t.TempDir()
		table := filepath.Join(first, "overlay-layers", info.ID, ondisk.BigDataFile(driver.TableKey))
		if err := errors.Join(os.MkdirAll(filepath.Dir(table), 0o755), c.put(table)); err != nil {
			t.Fatal(err)
		}
		l, err := driver.Open([]*beneath.Dir{openDir(t, s.Root), openDir(t, first)}, spec)
		switch {
		case err == nil:
			_ = l.Close() // was only read
			fallthrough
		case errors.Is(c.err, damaged):
			if (err == nil) != (c.err == nil) {
				t.Errorf("%s: %v, want %v", name, err, c.err)
			}
		case !errors.Is(err, c.err):
			t.Errorf("%s: %v, want %v", name, err, c.err)
		}
	}
}

func TestReadItem(t *testing.T) {
	t.Parallel()
	s := storetest.New(t, "layer a\n file f \"content\"\n", storetest.Options{})
	stores := []*beneath.Dir{openDir(t, s.Root)}
	at := driver.Place{ID: s.Layer("a").ID}
	if item, err := driver.ReadItem(stores, at, "diff"); !item.Type.IsDir() || item.Text != "" || err != nil {
		t.Errorf("diff: %+v, %v", item, err)
	}
	if item, err := driver.ReadItem(stores, at, "link"); item.Type != 0 || item.Text != s.Layer("a").Link || err != nil {
		t.Errorf("link: %+v, %v", item, err)
	}
	if _, err := driver.ReadItem(stores, at, "lower"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("lower: %v", err)
	}
	if item, err := driver.ReadItem(stores, at, "."); !item.Type.IsDir() || int(item.UID) != os.Getuid() || err != nil {
		t.Errorf("the folder: %+v, %v", item, err)
	}
	for _, name := range []string{"", "./diff", "..", "work", "diff/f", "../l"} {
		if _, err := driver.ReadItem(stores, at, name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := driver.ReadItem(stores, driver.Place{ID: ".."}, "link"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("above: %v", err)
	}
}
