package corpus

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Store says where a store lies, in paths of this process.
type Store struct {
	// Driver is "overlay" or "vfs".
	Driver string
	// User: it was written by an ordinary user.
	User bool
	// GraphRoot and RunRoot are its two roots.
	GraphRoot, RunRoot string
	// ImageStore is the other half of a split store, "" for an ordinary one.
	ImageStore string
	// Additional are the graph roots of read-only stores that it sees.
	Additional []string
	// LayerStores are the additional layer stores that it may lead to, in the form of the reference's option: ":ref" at the
	// end of a path says that references to images are in the paths below. They are not copied with the store.
	LayerStores []string
	// Transient stores keep their containers in RunRoot.
	Transient bool
	// Fuse: its layers were mounted by fuse-overlayfs when they were made.
	Fuse bool

	// Base is the folder that holds all of them and nothing of other stores.
	Base string

	refused []string // by the library
}

// Dirs returns every folder of the store, GraphRoot first.
func (s *Store) Dirs() []string {
	dirs := []string{s.GraphRoot}
	if s.ImageStore != "" {
		dirs = append(dirs, s.ImageStore)
	}
	return append(append(dirs, s.Additional...), s.RunRoot)
}

// Copy makes a copy of the store in dir, which must not exist, for questions that write. Owners, devices, extended
// attributes and hard links are kept.
func (s *Store) Copy(ctx context.Context, dir string) (*Store, error) {
	if out, err := exec.CommandContext(ctx, "cp", "-a", "--reflink=auto", s.Base, dir).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("copy store: %w: %s", err, out)
	}
	return s.At(dir), nil
}

// At returns the same store at another place: a copy of Base, or a mount of it.
func (s *Store) At(dir string) *Store {
	c := *s
	moved := func(path string) string {
		if path == "" {
			return ""
		}
		return dir + strings.TrimPrefix(path, s.Base)
	}
	c.Base, c.GraphRoot, c.RunRoot, c.ImageStore = dir, moved(s.GraphRoot), moved(s.RunRoot), moved(s.ImageStore)
	c.Additional = slices.Clone(s.Additional)
	for i, path := range c.Additional {
		c.Additional[i] = moved(path)
	}
	return &c
}

// PodmanImages returns what `podman images --format json` said of the store, nil when it was not asked.
func (s *Store) PodmanImages() ([]byte, error) { return s.said("podman-images.json") }

// PodmanLookups returns the image id that podman found for each reference, "" for one that it did not find or found to be
// ambiguous; nil when it was not asked.
func (s *Store) PodmanLookups() (map[string]string, error) {
	b, err := s.said("podman-lookups")
	if b == nil || err != nil {
		return nil, err
	}
	found := make(map[string]string)
	for sc := bufio.NewScanner(bytes.NewReader(b)); sc.Scan(); {
		ref, id, _ := strings.Cut(sc.Text(), "\t")
		found[ref] = strings.TrimPrefix(id, "sha256:")
	}
	return found, nil
}

// Unpacked returns where the bundles that umoci made lie, one for each image of the layouts "oci" and "stacks", in a folder of
// the layout's name; those that it refused are not there, and no folder is where there is no umoci.
func (s *Store) Unpacked() string { return filepath.Join(s.Base, "out", "unpacked") }

// Refused returns the images that the writer did not take, with its complaint, one a line.
func (s *Store) Refused() (string, error) {
	b, err := s.said("refused")
	return string(b) + strings.Join(s.refused, "\n"), err
}

// Seen returns what containers of the step "owned" saw, by their names: a line "UID:GID PATH" for each node.
func (s *Store) Seen() (map[string]string, error) {
	paths, err := filepath.Glob(filepath.Join(s.Base, "out", "seen.*"))
	seen := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		seen[strings.TrimPrefix(filepath.Base(path), "seen.")] = string(text)
	}
	return seen, err
}

// Said returns what podman printed of the store as JSON, when it was asked: "ps" all containers, "inspect" each of them,
// "pods" and "volumes"; nil when it was not asked.
func (s *Store) Said(about string) ([]byte, error) { return s.said("podman-" + about + ".json") }

func (s *Store) said(name string) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(s.Base, "out", name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}
