package cstor_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
)

// env is an environment of its own.
func env(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, p := range pairs {
			if k, v, _ := strings.Cut(p, "="); k == name {
				return v, true
			}
		}
		return "", false
	}
}

func write(tb testing.TB, path, text string) string {
	tb.Helper()
	check(tb, os.MkdirAll(filepath.Dir(path), 0o755))
	check(tb, os.WriteFile(path, []byte(text), 0o644))
	return path
}

func TestDiscoverByConfigFile(t *testing.T) {
	t.Parallel()
	shared := storetest.New(t, "layer base\n  file a 0644 \"a\"\nimage localhost/shared:1 layer=base", storetest.Options{})
	made := storetest.New(t, storetest.Sample, storetest.Options{ImageStore: "images"})
	conf := write(t, filepath.Join(t.TempDir(), "storage.conf"), fmt.Sprintf(
		"[storage]\ngraphroot = %q\nimagestore = %q\n[storage.options]\nadditionalimagestores = [%q]\n", made.Root, made.ImageStore, shared.Root))
	for what, opts := range map[string]cstor.DiscoverOptions{
		"as an option":  {ConfigFile: conf, Getenv: env()},
		"by a variable": {Getenv: env("CONTAINERS_STORAGE_CONF=" + conf)},
	} {
		s, err := cstor.Discover(t.Context(), opts)
		check(t, err)
		image(t, s, "sample")
		image(t, s, "shared:1")
		info, err := s.Info()
		check(t, err)
		if len(info.Stores) != 3 || info.Stores[0].Role != cstor.RolePrimary || info.Stores[1].Role != cstor.RoleImageStore || info.Stores[2].Root != shared.Root {
			t.Errorf("%s: %+v", what, info.Stores)
		}
		if !slices.ContainsFunc(info.Considered, func(f cstor.Finding) bool { return f.Name == conf && f.State == "used" }) {
			t.Errorf("%s: the file is not among %+v", what, info.Considered)
		}
		check(t, s.Close())
	}
}

func TestDiscoverFindsNothing(t *testing.T) {
	t.Parallel()
	nowhere := filepath.Join(t.TempDir(), "nowhere")
	conf := write(t, filepath.Join(t.TempDir(), "storage.conf"), fmt.Sprintf("[storage]\ngraphroot = %q\n", nowhere))
	_, err := cstor.Discover(t.Context(), cstor.DiscoverOptions{ConfigFile: conf, Getenv: env()})
	var failed *cstor.DiscoverError
	if !errors.As(err, &failed) || !errors.Is(err, cstor.ErrNotStore) || len(failed.Considered) == 0 || !strings.Contains(err.Error(), nowhere) {
		t.Errorf("%v", err)
	}
	for what, text := range map[string]string{"not TOML": "[storage\n", "relative root": "[storage]\ngraphroot = \"here\"\n"} {
		write(t, conf, text)
		_, err := cstor.Discover(t.Context(), cstor.DiscoverOptions{ConfigFile: conf, Getenv: env()})
		if !errors.As(err, &failed) || errors.Is(err, cstor.ErrNotStore) || !strings.Contains(err.Error(), conf) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := cstor.Discover(t.Context(), cstor.DiscoverOptions{Sysroot: nowhere}); !errors.As(err, &failed) {
		t.Errorf("sysroot: %v", err)
	}
}

// TestDiscoverInMountedSystem: a disk with a storage.conf reached by an absolute
// link, a store of root's, one in a user's home, and links that lead out of it.
func TestDiscoverInMountedSystem(t *testing.T) {
	t.Parallel()
	disk := t.TempDir()
	build := func(dir, name string) *storetest.Store {
		s, err := storetest.Build(filepath.Join(disk, dir), "layer base\n  file etc/hostname 0644 \""+name+"\"\nimage localhost/"+name+":latest layer=base", storetest.Options{})
		check(t, err)
		t.Cleanup(func() { check(t, s.Remove()) })
		return s
	}
	roots := build("srv/images", "roots")
	// The same image as root's, which she calls hers.
	carols, err := storetest.Build(filepath.Join(disk, "home/carol/.local/share/containers/storage"),
		"layer base\n  file etc/hostname 0644 \"roots\"\nimage localhost/carols:latest layer=base", storetest.Options{})
	check(t, err)
	t.Cleanup(func() { check(t, carols.Remove()) })
	alices := build("home/alice/.local/share/containers/storage", "alices")
	outside := storetest.New(t, storetest.Sample, storetest.Options{})
	write(t, filepath.Join(disk, "etc/passwd"), "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\ncarol:x:1003:1003::/home/carol:/bin/sh\neve:x:1002:1002::/home/eve:/bin/sh\n")
	write(t, filepath.Join(disk, "usr/etc/storage.conf"), "[storage]\ngraphroot = \"/var/link\"\nrootless_storage_path = \"$HOME/.local/share/containers/storage\"\n")
	check(t, os.MkdirAll(filepath.Join(disk, "etc/containers"), 0o755))
	check(t, os.Symlink("/usr/etc/storage.conf", filepath.Join(disk, "etc/containers/storage.conf")))
	check(t, os.MkdirAll(filepath.Join(disk, "var"), 0o755))
	check(t, os.Symlink("/srv/images", filepath.Join(disk, "var/link")))
	// Eve's home leads to a store of the machine that does the looking.
	check(t, os.MkdirAll(filepath.Join(disk, "home/eve/.local/share/containers"), 0o755))
	check(t, os.Symlink(outside.Root, filepath.Join(disk, "home/eve/.local/share/containers/storage")))

	s, err := cstor.Discover(t.Context(), cstor.DiscoverOptions{Sysroot: disk, Getenv: env("CONTAINERS_STORAGE_CONF=/nothing")})
	check(t, err)
	defer s.Close()
	for name, made := range map[string]*storetest.Store{"roots": roots, "alices": alices} {
		layers, err := image(t, s, name).Layers()
		check(t, err)
		report, err := layers[0].WriteTar(t.Context(), io.Discard, cstor.WriteOptions{})
		if err != nil || report.Digest.String() != made.Layer("base").DiffID {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
	}
	if i := image(t, s, "carols"); i.ID() != roots.Image("localhost/roots:latest").ID {
		t.Errorf("carol's image is %v", i)
	}
	if i, err := s.Image("sample"); !errors.Is(err, cstor.ErrNotFound) {
		t.Errorf("a link was followed out of the disk: %v, %v", i, err)
	}
	info, err := s.Info()
	check(t, err)
	if len(info.Stores) != 3 || info.Stores[0].User != "root" || info.Stores[1].User != "alice" || info.Stores[2].User != "carol" {
		t.Errorf("%+v", info.Stores)
	}
}
