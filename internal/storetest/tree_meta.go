package storetest

import (
	"archive/tar"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// metadata sets owner, attributes, mode and time of path. The order matters: a
// change of owner clears capabilities and set-id bits, and an ordinary user
// cannot set an attribute of a file that is not writable.
func (t *tree) metadata(path string, e *Entry) error {
	link := e.Typeflag == tar.TypeSymlink
	if t.can.chown && t.forceMask == 0 {
		if err := os.Lchown(path, e.Uid+t.shift, e.Gid+t.shift); err != nil {
			return err
		}
	}
	attrs := e.xattrs()
	if t.forceMask != 0 && !link && e.Typeflag != tar.TypeLink {
		attrs["user.containers.override_stat"] = t.override(e)
	}
	for _, key := range slices.Sorted(maps.Keys(attrs)) {
		err := unix.Lsetxattr(path, key, []byte(attrs[key]), 0)
		if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EPERM) && !t.can.chown {
			continue // as a pull does: the tar has it, the disk cannot
		}
		if err != nil {
			return fmt.Errorf("set attribute %q: %w", key, err)
		}
	}
	mode := e.FileInfo().Mode() &^ fs.ModeType
	if t.forceMask != 0 {
		mode = t.forceMask
	}
	switch e.Typeflag {
	case tar.TypeDir:
		t.dirs = append(t.dirs, dirMeta{path, mode, e.ModTime})
		return nil
	case tar.TypeSymlink:
		return setTime(path, e.ModTime)
	case tar.TypeLink:
		if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return setTime(path, e.ModTime)
		}
	}
	if err := os.Chmod(path, mode); err != nil {
		return err
	}
	return setTime(path, e.ModTime)
}

// override is the value of user.containers.override_stat (container-libs
// storage/pkg/idtools/idtools.go:FormatContainersOverrideXattrDevice).
func (t *tree) override(e *Entry) string {
	kind := "file"
	switch e.Typeflag {
	case tar.TypeDir:
		kind = "dir"
	case tar.TypeFifo:
		kind = "pipe"
	case tar.TypeChar:
		kind = fmt.Sprintf("char-%d-%d", e.Devmajor, e.Devminor)
	case tar.TypeBlock:
		kind = fmt.Sprintf("block-%d-%d", e.Devmajor, e.Devminor)
	}
	value := fmt.Sprintf("%d:%d:%04o", e.Uid, e.Gid, e.Mode&0o7777)
	if t.oldMask {
		return value
	}
	return value + ":" + kind
}

// setTime sets both times of path itself; a time before 1970 becomes 1970
// (container-libs storage/pkg/system/chtimes.go:Chtimes).
func setTime(path string, mtime time.Time) error {
	if mtime.Unix() < 0 {
		mtime = time.Unix(0, 0)
	}
	ts, err := unix.TimeToTimespec(mtime)
	if err != nil {
		return err
	}
	err = unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{ts, ts}, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		return &fs.PathError{Op: "utimensat", Path: path, Err: err}
	}
	return nil
}

// path is where an entry called name lies on disk. Links among its parents are
// followed inside the tree; parents that do not exist are made; the last
// component is not looked at.
func (t *tree) path(name string) (string, error) {
	clean := place(name)
	if clean == "/" {
		return t.root, nil
	}
	parents := strings.Split(clean[1:], "/")
	last := parents[len(parents)-1]
	parents = parents[:len(parents)-1]
	at, links := "/", 0
	for len(parents) > 0 {
		part := parents[0]
		parents = parents[1:]
		next := filepath.Join(at, part) // cleans "..", and never climbs above "/"
		info, err := os.Lstat(t.root + next)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if err := t.implyDir(t.root + next); err != nil {
				return "", err
			}
		case err != nil:
			return "", err
		case info.Mode()&fs.ModeSymlink != 0:
			if links++; links > 40 {
				return "", &fs.PathError{Op: "resolve", Path: name, Err: unix.ELOOP}
			}
			target, err := os.Readlink(t.root + next)
			if err != nil {
				return "", err
			}
			if strings.HasPrefix(target, "/") {
				at = "/"
			}
			parents = append(strings.FieldsFunc(target, func(r rune) bool { return r == '/' }), parents...)
			continue
		}
		at = next
	}
	return filepath.Join(t.root+at, last), nil
}

func (t *tree) implyDir(path string) error {
	t.dirs = append(t.dirs, dirMeta{path, t.implied, t.now})
	return os.Mkdir(path, 0o700)
}
