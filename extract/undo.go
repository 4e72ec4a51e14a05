package extract

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/beneath"
)

// undo removes what was made: names of the tree below the directory, and the directory
// itself unless it was there before.
func (d *destination) undo(has func(path string) bool) error {
	err := d.removeBelow(".", has)
	if err == nil && d.made {
		var st unix.Stat_t
		if err := unix.Lstat(d.path, &st); err == nil && st.Dev == d.was.Dev && st.Ino == d.was.Ino {
			return os.Remove(d.path)
		}
		return nil
	}
	if fd, openErr := d.OpenDir("."); openErr == nil && !d.made {
		d.restore(fd)
		unix.Close(fd)
	}
	return err
}

// removeBelow empties a directory, but for names that are not of the tree. It holds
// no descriptor while it is further down: a path may be 2048 names deep.
func (d *destination) removeBelow(path string, has func(path string) bool) error {
	var names []beneath.DirEntry
	err := d.with(path, func(fd int) error {
		_ = unix.Fchmod(fd, 0o700) // else removing says why not
		for e, err := range d.ReadDir(path) {
			if err != nil {
				return err
			}
			names = append(names, e)
		}
		return nil
	})
	if err != nil {
		return err
	}
	var first error
	note := func(path string, err error) {
		if err != nil && first == nil {
			first = &fs.PathError{Op: "remove", Path: filepath.Join(d.path, path), Err: err}
		}
	}
	err = d.with(path, func(fd int) error {
		for i, e := range names {
			switch child := join(path, e.Name); {
			case !has(child):
				note(child, errForeign)
			case e.Type.IsDir():
				continue
			default:
				note(child, unix.Unlinkat(fd, e.Name, 0))
			}
			names[i].Name = ""
		}
		return nil
	})
	for _, e := range names {
		if e.Name != "" && err == nil {
			note(join(path, e.Name), d.removeBelow(join(path, e.Name), has))
		}
	}
	if err != nil || first != nil {
		return errors.Join(err, first)
	}
	return d.with(path, func(fd int) error {
		for _, e := range names {
			if e.Name != "" {
				note(join(path, e.Name), unix.Unlinkat(fd, e.Name, unix.AT_REMOVEDIR))
			}
		}
		return first
	})
}

var errForeign = errors.New("somebody else has put this here")

// with opens a directory, which may have its own mode already.
func (d *destination) with(path string, use func(fd int) error) error {
	fd, err := d.OpenDir(path)
	if errors.Is(err, fs.ErrPermission) && path != "." {
		err = d.with(parent(path), func(up int) error { return unix.Fchmodat(up, filepath.Base(path), 0o700, 0) })
		if err == nil {
			fd, err = d.OpenDir(path)
		}
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return use(fd)
}
