package changes

import (
	"context"
	"os"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/imagefs"
)

// compare compares what all layers show with what those below the top one do.
func (c *comparison) compare() error {
	all, err := imagefs.New(c.layers, imagefs.Options{})
	if err != nil {
		return err
	}
	for n, err := range driver.Changes(files{all}, files{c.below}, driver.ChangesOptions{DirTimes: true}) {
		if err == nil {
			err = context.Cause(c.ctx)
		}
		if err != nil {
			return err
		}
		if n.Name == "." {
			continue
		}
		kind := Deleted
		if n.Hides == "" {
			old, err := c.was(n.Name)
			if err != nil {
				return err
			}
			if kind = Modified; old == nil {
				kind = Added
			}
		}
		if err := c.tell(kind, n.Name); err != nil {
			return err
		}
	}
	return nil
}

// files are a merged tree as package driver compares it.
type files struct{ fs *imagefs.FS }

var _ driver.Files = files{}

func (f files) OpenFile(name string) (*os.File, error) { return f.fs.OpenFile(name) }

func (f files) Lstat(name string) (*driver.Node, error) {
	found, err := f.fs.Lookup(name, false)
	return found.Node, err
}

func (f files) ReadDir(name string) ([]driver.DirEntry, error) {
	list, err := f.fs.List(name)
	if err != nil {
		return nil, err
	}
	all := make([]driver.DirEntry, len(list))
	for i, e := range list {
		all[i] = driver.DirEntry{Name: e.Name(), Type: e.Type()}
	}
	return all, nil
}
