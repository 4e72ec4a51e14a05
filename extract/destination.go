package extract

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/beneath"
)

// destination is the directory that is being filled.
type destination struct {
	*beneath.Dir
	path string
	made bool              // by us
	was  unix.Stat_t       // as it is or was found
	acls map[string][]byte // that it had
	mask uint32            // permissions that a new file does not get
	own  struct{ uid, gid uint32 }
	odd  bool // new files do not belong to own
}

// openDestination makes dir, or takes it if it is empty, so that until release nobody
// but the caller can enter it. The caller calls release or undo.
func openDestination(dir string, layers []*cstor.Layer) (_ *destination, err error) {
	d, err := newDestination(dir, layers)
	if err != nil {
		return nil, err
	}
	switch err := os.Mkdir(d.path, 0o700); {
	case err == nil:
		d.made = true
	case !errors.Is(err, fs.ErrExist):
		return nil, err
	}
	if err := d.open(layers); err != nil {
		if d.made {
			_ = os.Remove(d.path) // it is empty
		}
		return nil, err
	}
	return d, nil
}

// lookAhead finds what openDestination would refuse, before there is any work, as far as
// that can be seen without a change.
func lookAhead(dir string, layers []*cstor.Layer) error {
	d, err := newDestination(dir, layers)
	if err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Lstat(d.path, &st); errors.Is(err, fs.ErrNotExist) {
		return nil // it will be made
	}
	if err := d.reach(&st, layers); err != nil {
		return err
	}
	defer d.Close()
	return d.empty()
}

// newDestination is one that has not been looked at, only the directory that it is in.
func newDestination(dir string, layers []*cstor.Layer) (*destination, error) {
	if dir == "" {
		return nil, &fs.PathError{Op: "extract to", Path: dir, Err: fs.ErrInvalid}
	}
	// A slash at the end would lead through a link.
	d := &destination{path: filepath.Clean(dir)}
	return d, outside(filepath.Dir(d.path), layers)
}

func (d *destination) refuse(err error) error {
	return &fs.PathError{Op: "extract to", Path: d.path, Err: err}
}

// reach opens the directory, if it may be one to extract to.
func (d *destination) reach(st *unix.Stat_t, layers []*cstor.Layer) (err error) {
	if err := unix.Lstat(d.path, st); err != nil {
		return d.refuse(err)
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
	case unix.S_IFLNK:
		return d.refuse(fmt.Errorf("%w: a symbolic link", ErrDestination))
	default:
		return d.refuse(fmt.Errorf("%w: something else is there", ErrDestination))
	}
	if err := outside(d.path, layers); err != nil {
		return err
	}
	d.Dir, err = beneath.Open(d.path, beneath.NoLinks)
	return err
}

// empty refuses a directory that is not.
func (d *destination) empty() error {
	for e, err := range d.ReadDir(".") {
		if err != nil {
			return err
		}
		return d.refuse(fmt.Errorf("%w: %q is there", ErrDestination, e.Name))
	}
	return nil
}

func (d *destination) open(layers []*cstor.Layer) error {
	var st unix.Stat_t
	if err := d.reach(&st, layers); err != nil {
		return err
	}
	fd, err := d.OpenDir(".")
	if err == nil {
		if err = d.prepare(fd, &st); err != nil && d.acls != nil {
			d.restore(fd)
		}
		unix.Close(fd)
	}
	if err != nil {
		_ = d.Close() // was only opened
	}
	return err
}

// prepare makes the directory ours alone, and finds out what new files are like in it.
func (d *destination) prepare(fd int, looked *unix.Stat_t) error {
	if err := unix.Fstat(fd, &d.was); err != nil {
		return d.refuse(err)
	}
	if d.was.Dev != looked.Dev || d.was.Ino != looked.Ino {
		return d.refuse(unix.ESTALE)
	}
	if err := d.empty(); err != nil {
		return err
	}
	// Set-group-id directories and default ACLs would be inherited by all below.
	d.acls = map[string][]byte{}
	for _, attr := range acls {
		value := make([]byte, 64<<10) // the most that there may be (linux/limits.h)
		if n, err := unix.Fgetxattr(fd, attr, value); err == nil {
			d.acls[attr] = value[:n]
		}
	}
	if err := unix.Fchmod(fd, 0o700); err != nil {
		return d.refuse(err)
	}
	for _, attr := range acls {
		switch err := unix.Fremovexattr(fd, attr); err {
		case nil, unix.ENODATA, unix.ENOTSUP, unix.EINVAL:
		default:
			return d.refuse(err)
		}
	}
	const probe = ".cstor-probe"
	var file int
	err := beneath.Retry(func() (err error) {
		file, err = unix.Openat(fd, probe, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o777)
		return err
	})
	if err != nil {
		return d.refuse(err)
	}
	defer unix.Close(file)
	var st unix.Stat_t
	err = cmp.Or(unix.Fstat(file, &st), unix.Unlinkat(fd, probe, 0))
	if err != nil {
		return d.refuse(err)
	}
	d.mask = 0o777 &^ st.Mode
	d.own.uid, d.own.gid = uint32(os.Geteuid()), uint32(os.Getegid())
	d.odd = st.Uid != d.own.uid || st.Gid != d.own.gid
	return nil
}

var acls = []string{aclPrefix + "access", aclPrefix + "default"}

// restore makes a directory that was found as it was found, as well as that can be done.
func (d *destination) restore(fd int) {
	_ = unix.Fchown(fd, int(d.was.Uid), int(d.was.Gid))
	for attr, value := range d.acls {
		_ = unix.Fsetxattr(fd, attr, value, 0)
	}
	_ = unix.Fchmod(fd, d.was.Mode&0o7777)
}

// outside refuses a directory that lies in a store of the layers.
func outside(dir string, layers []*cstor.Layer) error {
	seen := map[string]bool{}
	for _, l := range layers {
		root, _ := l.Store()
		if seen[root] {
			continue
		}
		seen[root] = true
		root, err := l.InStore(dir)
		if err == nil && root != "" {
			err = &fs.PathError{Op: "extract to", Path: dir, Err: fmt.Errorf("%w: %s", ErrInStore, root)}
		}
		if err != nil {
			return err
		}
	}
	return nil
}
