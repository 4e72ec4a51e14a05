package userns

import (
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/internal/storetest"
)

// TestHelperJoins: a helper process is started in the namespace that podman keeps, if
// there is one, as in a new one.
func TestHelperJoins(t *testing.T) {
	storetest.AsUserWithIDs(t, func(t *testing.T) {
		full, err := callerMaps()
		if err != nil {
			t.Fatal(err)
		}
		pause := keep(t, full)
		t.Setenv("XDG_RUNTIME_DIR", runtimeDir(t, pause))
		made := storetest.New(t, "layer a\n file f 0000 \"content\"\n", storetest.Options{})
		root, err := beneath.Open(made.Root, beneath.NoLinks)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		var h Helper
		defer func() {
			if err := h.Close(); err != nil {
				t.Error(err)
			}
		}()
		tree, err := h.OpenLayer([]*beneath.Dir{root}, driver.Spec{Layer: driver.Place{ID: made.Layer("a").ID}})
		if err != nil {
			t.Fatal(err)
		}
		defer tree.Close()
		f, err := tree.OpenFile("f")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if got, err := io.ReadAll(f); string(got) != "content" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		var in [2]string
		for i, pid := range []int{pause, h.Processes()[0]} {
			if in[i], err = os.Readlink(fmt.Sprintf("/proc/%d/ns/user", pid)); err != nil {
				t.Error(err)
			}
		}
		if in[0] != in[1] {
			t.Errorf("the helper is in %s, podman in %s", in[1], in[0])
		}
	})
}
