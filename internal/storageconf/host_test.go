package storageconf

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestHost(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, err := range []error{
		os.WriteFile(at("conf"), []byte(conf("/g")), 0o600),
		os.Symlink("conf", at("link")),
		syscall.Mkfifo(at("fifo"), 0o600),
		os.WriteFile(at("big"), nil, 0o600),
		os.Truncate(at("big"), maxHostFile+1),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		name, conf string
		want       string
		err        error
	}{
		{name: "file", conf: at("conf"), want: "/g"},
		{name: "link", conf: at("link"), want: "/g"},
		{name: "/dev/null is an empty file", conf: os.DevNull, want: defaultGraphRoot},
		{name: "fifo does not block", conf: at("fifo"), err: errNotRegular},
		{name: "device", conf: "/dev/zero", err: errNotRegular},
		{name: "directory", conf: dir, err: errNotRegular},
		{name: "large", conf: at("big"), err: ErrTooLarge},
		{name: "missing", conf: at("none"), err: fs.ErrNotExist},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			res, err := Discover(Request{FS: Host{}, ConfigFile: tc.conf})
			if !errors.Is(err, tc.err) {
				t.Fatalf("got %v, want %v", err, tc.err)
			}
			if err == nil && res.GraphRoot != tc.want {
				t.Errorf("got %q, want %q", res.GraphRoot, tc.want)
			}
		})
	}
}

// TestHostChoice uses real owners.
func TestHostChoice(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	own := filepath.Join(home, ".local/share/containers/storage")
	if err := os.MkdirAll(filepath.Join(own, "overlay-layers"), 0o700); err != nil {
		t.Fatal(err)
	}
	uid := os.Getuid()
	conf := filepath.Join(home, "storage.conf")
	if err := os.WriteFile(conf, []byte("[storage]\ngraphroot = '"+own+"'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	res, err := Discover(Request{FS: Host{}, UID: uid, ConfigFile: conf, Getenv: getenv(map[string]string{"HOME": home, "_CONTAINERS_ROOTLESS_UID": "54321"})})
	if err != nil {
		t.Fatal(err)
	}
	if got := rank(Request{FS: Host{}, UID: uid}, res.Config); got != standOwn {
		t.Errorf("own store: %v", got)
	}
	if got := rank(Request{FS: Host{}, UID: uid + 1}, res.Config); got != standForeign {
		t.Errorf("another's store: %v", got)
	}
}
