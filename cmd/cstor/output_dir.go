package main

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cstor-go/cstor"
)

// directory is a DIR that files are written into.
type directory struct {
	path string // without links
	made bool   // by us
	keep bool
	app  *app
}

// openDirectory finds DIR, or makes it in a directory that is there. The caller calls
// close, which takes away again what was made unless keep is set or a file is in it.
func (a *app) openDirectory(s *cstor.Storage, name string) (*directory, error) {
	info, err := os.Stat(name)
	if err == nil && !info.IsDir() {
		return nil, usagef("%s is not a directory", name)
	}
	if err == nil {
		path, err := filepath.EvalSymlinks(name)
		return &directory{path: path, app: a}, err
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	parent, base := filepath.Split(strings.TrimRight(name, "/"))
	if parent, err = filepath.EvalSymlinks(cmp.Or(parent, ".")); err != nil {
		return nil, err
	}
	if err := outside(s, parent); err != nil {
		return nil, err
	}
	path := filepath.Join(parent, base)
	if err := a.parts.mkdir(path); err != nil {
		return nil, err
	}
	return &directory{path: path, made: true, app: a}, nil
}

func (d *directory) close() {
	switch {
	case !d.made:
	case d.keep:
		d.app.parts.keep(d.path)
	default:
		d.app.parts.remove(d.path)
	}
}

// isDirectory reports whether name is one, or a link to one.
func isDirectory(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}
