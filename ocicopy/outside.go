package ocicopy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// outside refuses a directory that lies in a store of the images. It need not be there yet:
// then the first directory above counts that is. Names are taken as the kernel takes them,
// for a link may stand before "..".
func outside(dir string, images []Image) error {
	for at := dir; ; at = above(at) {
		root, err := inStore(at, images)
		if errors.Is(err, fs.ErrNotExist) && above(at) != at {
			continue
		}
		if err == nil && root != "" {
			err = &fs.PathError{Op: "copy to", Path: dir, Err: fmt.Errorf("%w: %s", ErrInStore, root)}
		}
		return err
	}
}

// above leaves out the last part of a path.
func above(dir string) string {
	dir = strings.TrimRight(dir, "/")
	i := strings.LastIndexByte(dir, '/')
	switch {
	case i > 0:
		return dir[:i]
	case i == 0 || dir == "":
		return "/"
	}
	return "."
}

// inStore returns the store of one of the images that a directory lies in; "" if in none.
func inStore(dir string, images []Image) (root string, err error) {
	seen := map[string]bool{}
	for _, i := range images {
		store, _ := i.Image.Store()
		if seen[store] {
			continue
		}
		seen[store] = true
		if root, err = i.Image.InStore(dir); err != nil || root != "" {
			break
		}
	}
	return root, err
}

// makeDirs makes a directory and those above it, and returns the first that it made.
func makeDirs(dir string) (made string, err error) {
	for at := filepath.Clean(dir); ; at = filepath.Dir(at) {
		if _, err := os.Lstat(at); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		made = at
	}
	return made, os.MkdirAll(dir, 0o777)
}
