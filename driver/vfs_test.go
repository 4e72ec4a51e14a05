package driver_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/storetest"
)

// TestVFSHasNoMarks: what would be marks in an overlay are the image's own here.
func TestVFSHasNoMarks(t *testing.T) {
	t.Parallel()
	s := storetest.New(t, "layer a\n dir d\n file d/.wh.f 0644\n", storetest.Options{Driver: "vfs", Whiteouts: storetest.WhiteoutsFiles})
	info := s.Layer("a")
	want := map[string]string{"user.overlay.opaque": "y", "user.containers.override_stat": "nonsense", "user.overlay.redirect": "/"}
	for key, value := range want {
		setXattr(t, filepath.Join(info.Diff, "d"), key, value)
	}
	n, err := open(t, info, driver.OverlayOptions{}).Lstat("d")
	if err != nil {
		t.Fatal(err)
	}
	if n.Opaque != driver.OpaqueNo || n.Redirect != "" || n.Metacopy || n.Mode.Perm() != 0o755 {
		t.Errorf("%+v", n)
	}
	if diff := cmp.Diff(want, n.Xattrs); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
}
