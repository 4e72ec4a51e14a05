package storageconf

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPickDriver(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name      string
		dirs      []string // below /g, or absolute
		cfg       Config
		want      string
		ambiguous []string
	}{
		{name: "configured", cfg: Config{Driver: "btrfs"}, dirs: []string{"vfs-layers", "vfs-images"}, want: "btrfs"},
		{name: "nothing there"},
		{name: "a tree alone is no store", dirs: []string{"overlay"}},
		{name: "overlay", dirs: []string{"overlay-layers", "overlay-images"}, want: "overlay"},
		{name: "vfs, though unlisted", dirs: []string{"vfs-layers", "vfs-images"}, want: "vfs"},
		{name: "both halves beat one", dirs: []string{"overlay-images", "vfs-layers", "vfs-images"}, want: "vfs"},
		{name: "one half will do", dirs: []string{"overlay-images"}, want: "overlay"},
		{name: "two complete ones", dirs: []string{"overlay-layers", "overlay-images", "vfs-layers", "vfs-images"}, ambiguous: []string{"overlay", "vfs"}},
		{name: "two halves", dirs: []string{"overlay-images", "vfs-layers"}, ambiguous: []string{"overlay", "vfs"}},
		{name: "priority leaves one", dirs: []string{"overlay-layers", "overlay-images", "vfs-layers", "vfs-images"}, cfg: Config{DriverPriority: []string{"vfs"}}, want: "vfs"},
		{name: "priority leaves none", dirs: []string{"overlay-layers", "overlay-images"}, cfg: Config{DriverPriority: []string{"vfs", "../x"}}},
		{
			name: "priority orders, but does not choose", dirs: []string{"overlay-layers", "overlay-images", "vfs-layers", "vfs-images"},
			cfg: Config{DriverPriority: []string{"vfs", "overlay2", "overlay"}}, ambiguous: []string{"vfs", "overlay"},
		},
		{name: "images in the image store", dirs: []string{"overlay-layers", "/i/overlay-images", "vfs-layers"}, cfg: Config{ImageStore: "/i"}, want: "overlay"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tree := map[string]string{}
			for _, dir := range tc.dirs {
				if dir[0] != '/' {
					dir = "/g/" + dir
				}
				tree[dir+"/"] = ""
			}
			tc.cfg.GraphRoot = "/g"
			got, err := PickDriver(newFS(tree), tc.cfg)
			if got != tc.want {
				t.Errorf("got %q, want %q (%v)", got, tc.want, err)
			}
			ae, isAmbiguous := errors.AsType[*AmbiguousDriverError](err)
			switch {
			case tc.ambiguous != nil:
				if !isAmbiguous || ae.Root != "/g" || !cmp.Equal(ae.Drivers, tc.ambiguous) {
					t.Errorf("got %v, want candidates %v", err, tc.ambiguous)
				}
			case tc.want == "":
				if !errors.Is(err, ErrNoStore) || !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("got %v, want %v", err, ErrNoStore)
				}
			case err != nil:
				t.Error(err)
			}
		})
	}
}

func TestWithDriver(t *testing.T) {
	t.Parallel()
	res, err := Discover(Request{FS: newFS(nil), Getenv: getenv(map[string]string{"STORAGE_OPTS": "vfs.imagestore=/v,overlay.imagestore=/o,mount_program=/m"})})
	if err != nil {
		t.Fatal(err)
	}
	if !cmp.Equal(res.AdditionalImageStores, []string{"/o"}) || res.MountProgram != "/m" {
		t.Errorf("without a driver: %+v", res.Config)
	}
	vfs, err := res.WithDriver("vfs")
	if err != nil || vfs.Driver != "vfs" || !cmp.Equal(vfs.AdditionalImageStores, []string{"/v"}) || vfs.MountProgram != "" {
		t.Errorf("vfs: %v, %+v", err, vfs)
	}
	if !cmp.Equal(res.AdditionalImageStores, []string{"/o"}) {
		t.Errorf("WithDriver changed its receiver: %+v", res.Config)
	}
	if back, err := vfs.WithDriver("overlay2"); err != nil || back.Driver != "overlay" || back.MountProgram != "/m" {
		t.Errorf("overlay2: %v, %+v", err, back)
	}
	if _, err := res.WithDriver("a/b"); !errors.Is(err, ErrDriver) {
		t.Errorf("a/b: %v", err)
	}
}
