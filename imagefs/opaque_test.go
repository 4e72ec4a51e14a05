package imagefs

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/merge"
)

// TestOpaqueByTar: where the marks of opaque directories cannot be seen, the tar tells.
func TestOpaqueByTar(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		top  string
		want []string
	}{
		"by its name":             {"dir d 0755\n opaque d", []string{"d"}},
		"written otherwise":       {"dir d 0755\n file ./x//../d/.wh..wh..opq 0644", []string{"d"}},
		"the root":                {"file .wh..wh..opq 0644", []string{"."}},
		"none":                    {"dir d 0755\n whiteout d/x\n file d/.wh..wh.plnk 0644", nil},
		"through a link":          {"dir d 0755\n dir d/e 0755\n symlink l d\n opaque l/e", []string{"d/e"}},
		"a link":                  {"dir d 0755\n symlink l d\n opaque l", []string{"d"}},
		"through links in links":  {"dir e 0755\n dir d 0755\n symlink l d\n symlink l/s ../e\n opaque d/s", []string{"e"}},
		"through a hard link":     {"dir d 0755\n symlink l d\n hardlink h l\n opaque h", []string{"d"}},
		"links that lead nowhere": {"dir d 0755\n symlink l d\n symlink n gone\n opaque d", []string{"d"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made := storetest.New(t, "layer base\n dir d 0755\nlayer top parent=base\n "+c.top+"\n", storetest.Options{Whiteouts: storetest.WhiteoutsFiles})
			tree := openLayers(t, made, "top", "base")
			var got []string
			for _, dir := range []string{".", "d", "d/e", "d/s", "e", "h", "l", "l/e"} {
				unknown := &driver.Node{Mode: fs.ModeDir, Opaque: driver.OpaqueUnknown}
				if opaque, err := tree.Opaque(0, dir, unknown); err != nil {
					t.Errorf("%s: %v", dir, err)
				} else if opaque {
					got = append(got, dir)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// openLayers opens layers of a store, the top first.
func openLayers(t *testing.T, made *storetest.Store, names ...string) *disk {
	t.Helper()
	s, err := cstor.Open(t.Context(), made.Root, cstor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // was only read
	d := &disk{marks: make([]once[map[string]bool], len(names))}
	for _, name := range names {
		l, err := s.Layer(made.Layer(name).ID)
		if err != nil {
			t.Fatal(err)
		}
		d.layers = append(d.layers, l)
	}
	return d
}

// TestOnce: an error that may pass is not kept.
func TestOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err   error // of the first reading
		calls int   // of three
	}{
		{nil, 1},
		{cstor.ErrNoTar, 1},
		{merge.ErrLimit, 1},
		{errors.Join(merge.ErrTarget, errors.New("of an entry")), 1},
		{os.ErrPermission, 2},
		{cstor.ErrDamaged, 2},
	} {
		var o once[int]
		calls := 0
		read := func() (int, error) {
			if calls++; calls == 1 && c.err != nil {
				return 0, c.err
			}
			return calls, nil
		}
		first, err := o.get(read)
		if !errors.Is(err, c.err) || first != 0 && err != nil {
			t.Errorf("%v: %d, %v", c.err, first, err)
		}
		for range 2 {
			value, err := o.get(read)
			if calls != c.calls || (err != nil) != (c.calls == 1 && c.err != nil) || err == nil && value != c.calls {
				t.Errorf("%v: after %d calls %d, %v", c.err, calls, value, err)
			}
		}
	}
}
