package contents

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor"

	"github.com/cstor-go/cstor/conformance/corpus"
)

// ErrNoMount is matched when layers cannot be mounted here; the text says why.
var ErrNoMount = errors.New("no mount to be had")

// What shows the layers.
const (
	Overlay   = "overlay"        // the kernel
	Composefs = "composefs"      // the kernel, from the EROFS images of flat layers
	Fuse      = "fuse-overlayfs" // which made them, too
	VFS       = "vfs"            // as they are: the upper one is whole
	Umoci     = "umoci"          // without a store
)

// Mount has the layers of a store, base first, shown as one tree, read-only, and returns what it shows, and by
// which means.
func Mount(ctx context.Context, s *corpus.Store, layers []*cstor.Layer) (tree Tree, by string, err error) {
	if s.Driver == "vfs" {
		root, err := folder(s, filepath.Join("vfs", "dir", layers[len(layers)-1].ID()))
		if err != nil {
			return nil, "", err
		}
		tree, err = OnDisk(root)
		return tree, VFS, err
	}
	dir, err := os.MkdirTemp("", "m") // a short name: the length of options is limited
	if err != nil {
		return nil, "", err
	}
	m := mounting{dir: dir}
	root := filepath.Join(dir, "root")
	if err = m.mount(ctx, s, layers, root); err == nil {
		tree, err = OnDisk(root)
	}
	switch {
	case s.Fuse:
		by = Fuse
	case len(m.data) > 0:
		by = Composefs
	default:
		by = Overlay
	}
	return tree, by, errors.Join(err, m.release(), os.RemoveAll(dir))
}

type mounting struct {
	dir    string
	mounts []string // in the order of mounting
	lowers []string // top first
	data   []string // folders of objects, of flat layers
}

func (m *mounting) release() error {
	var errs []error
	for i := len(m.mounts) - 1; i >= 0; i-- {
		errs = append(errs, unix.Unmount(m.mounts[i], unix.MNT_DETACH))
	}
	return errors.Join(errs...)
}

func (m *mounting) mount(ctx context.Context, s *corpus.Store, layers []*cstor.Layer, root string) error {
	for i, l := range layers {
		lower, err := m.lower(s, l, strconv.Itoa(i))
		if err != nil {
			return err
		}
		m.lowers = append([]string{lower}, m.lowers...)
	}
	// Below the base, so that this is no lone layer, and whiteouts in it are ones.
	bottom := filepath.Join(m.dir, "b")
	if err := errors.Join(os.Mkdir(bottom, 0o755), os.Mkdir(root, 0o755)); err != nil {
		return err
	}
	lowers := strings.Join(append(m.lowers, bottom), ":")
	if s.Fuse {
		program, err := exec.LookPath("fuse-overlayfs")
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNoMount, err)
		}
		if out, err := exec.CommandContext(ctx, program, "-o", "ro,lowerdir="+lowers, root).CombinedOutput(); err != nil {
			return fmt.Errorf("fuse-overlayfs: %w: %s", err, out)
		}
		m.mounts = append(m.mounts, root)
		return nil
	}
	options := "lowerdir=" + lowers
	switch {
	case len(m.data) > 0:
		options += "::" + strings.Join(m.data, "::") + ",metacopy=on"
	case s.User:
		options += ",userxattr"
	}
	if err := unix.Mount("overlay", root, "overlay", unix.MS_RDONLY|unix.MS_NOATIME, options); err != nil {
		return m.failed(err, "overlay")
	}
	m.mounts = append(m.mounts, root)
	return nil
}

// lower returns a short name of what overlay takes for the layer.
func (m *mounting) lower(s *corpus.Store, l *cstor.Layer, name string) (string, error) {
	diff, err := folder(s, filepath.Join("overlay", l.ID(), "diff"))
	if err != nil {
		return "", err
	}
	link := filepath.Join(m.dir, name)
	blob := filepath.Join(filepath.Dir(diff), "composefs-data", "composefs.blob")
	if _, err := os.Stat(blob); errors.Is(err, fs.ErrNotExist) {
		return link, os.Symlink(diff, link)
	}
	if err := os.Mkdir(link, 0o755); err != nil {
		return "", err
	}
	if err := unix.Mount(blob, link, "erofs", unix.MS_RDONLY, ""); err != nil {
		return "", m.failed(err, "erofs, from a file")
	}
	m.mounts = append(m.mounts, link)
	data := filepath.Join(m.dir, "d"+name)
	m.data = append(m.data, data)
	return link, os.Symlink(diff, data)
}

func (m *mounting) failed(err error, what string) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENOTBLK) {
		return fmt.Errorf("%w: %s: %w", ErrNoMount, what, err)
	}
	return fmt.Errorf("mount %s: %w", what, err)
}

// folder finds a path in one of the store's folders.
func folder(s *corpus.Store, path string) (string, error) {
	for _, root := range s.Dirs() {
		full := filepath.Join(root, path)
		if _, err := os.Stat(full); err == nil {
			return full, nil
		}
	}
	return "", fmt.Errorf("%s is in none of %s", path, s.Dirs())
}
