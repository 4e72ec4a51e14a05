package driver_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/internal/storetest"
)

// layer is an open layer of any driver.
type layer interface {
	driver.Files
	Close() error
}

// open opens a layer as the root package does, lowers being the layers that a
// mapped one is copied from.
func open(tb testing.TB, info storetest.LayerInfo, opts driver.OverlayOptions, lowers ...storetest.LayerInfo) layer {
	tb.Helper()
	var l layer
	var err error
	switch dir := openDir(tb, info.Dir); {
	case info.Link == "":
		l, err = driver.OpenVFS(openDir(tb, filepath.Dir(info.Dir)), info.ID, driver.VFSOptions{IDs: opts.IDs})
	case exists(filepath.Join(info.Dir, "composefs-data")):
		l, err = driver.OpenComposefs(dir, bytes.NewReader(info.TOC))
	default:
		for _, below := range lowers {
			opts.Lowers = append(opts.Lowers, openDir(tb, below.Dir))
		}
		l, err = driver.OpenOverlay(dir, opts)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := l.Close(); err != nil {
			tb.Error(err)
		}
	})
	return l
}

func openDir(tb testing.TB, path string) *beneath.Dir {
	tb.Helper()
	d, err := beneath.Open(path, beneath.NoLinks)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = d.Close() })
	return d
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// everywhere runs f as the user who runs the test, and as an ordinary one if that
// is root.
func everywhere(t *testing.T, f func(t *testing.T)) {
	if os.Geteuid() == 0 {
		t.Run("root", f)
	}
	t.Run("user", func(t *testing.T) { asUser(t, f) })
}

// oneUser: while one copy of the test binary is written, a process started by
// another test would inherit the descriptor and make the copy "text file busy".
var oneUser sync.Mutex

func asUser(t *testing.T, f func(t *testing.T)) {
	oneUser.Lock()
	defer oneUser.Unlock()
	storetest.AsUser(t, f)
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: trusted.* attributes, owners, devices")
	}
}

func setXattr(t *testing.T, path, key, value string) {
	t.Helper()
	if err := unix.Lsetxattr(path, key, []byte(value), 0); err != nil {
		t.Fatalf("set %s: %v", key, err)
	}
}

// readFile reads a file in all ways, which must agree.
func readFile(f driver.Files, name string) (string, error) {
	file, err := f.OpenFile(name)
	if r, ok := f.(driver.Reader); ok {
		_, again := r.ReadFile(name, make([]byte, 1<<20))
		if (err == nil) != (again == nil) || err != nil && again.Error() != err.Error() {
			return "", fmt.Errorf("OpenFile: %w, ReadFile: %w", err, again)
		}
	}
	var used []byte
	if r, ok := f.(driver.Reader); ok {
		again := r.UseFile(name, func(fd int, size int64) error {
			used = make([]byte, size)
			n, err := unix.Pread(fd, used, 0)
			used = used[:max(n, 0)]
			return err
		})
		if (err == nil) != (again == nil) || err != nil && again.Error() != err.Error() {
			return "", fmt.Errorf("OpenFile: %w, UseFile: %w", err, again)
		}
	}
	if err != nil {
		return "", err
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	if _, ok := f.(driver.Reader); ok && err == nil && !bytes.Equal(used, data) {
		return "", fmt.Errorf("OpenFile: %q, UseFile: %q", data, used)
	}
	if r, ok := f.(driver.Reader); ok && err == nil {
		p := make([]byte, len(data))
		size, err := r.ReadFile(name, p)
		if err != nil || size != int64(len(data)) || !bytes.Equal(p, data) {
			return "", fmt.Errorf("OpenFile: %q, ReadFile: %q, %d bytes, %w", data, p, size, err)
		}
	}
	return string(data), err
}
