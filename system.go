package cstor

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/internal/storageconf"
)

// opener opens a store's directory.
type opener func(path string) (*beneath.Dir, error)

// system is where configuration and stores lie: the running one, or one whose root
// is mounted somewhere.
type system struct {
	storageconf.FS
	dir opener
}

// host is the running system.
var host = system{storageconf.Host{}, func(path string) (*beneath.Dir, error) {
	return beneath.Open(path, beneath.NoLinks)
}}

// mounted is a system whose root is at a directory of ours. Its links, absolute
// ones too, lead nowhere outside.
func mounted(root *beneath.Dir) system {
	return system{mountedFS{root}, func(path string) (*beneath.Dir, error) { return root.FollowDir(path, beneath.NoLinks) }}
}

// mountedFS reads configuration of a mounted system.
type mountedFS struct{ root *beneath.Dir }

var _ storageconf.FS = mountedFS{}

// maxConfig is how large a configuration file, or the list of users, may be.
const maxConfig = 4 << 20

func (m mountedFS) ReadFile(name string) ([]byte, error) {
	f, err := m.root.Follow(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err == nil && len(b) > maxConfig {
		err = &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("%w: over %d bytes", beneath.ErrTooLarge, maxConfig)}
	}
	return b, err
}

func (m mountedFS) ReadDir(name string) ([]fs.DirEntry, error) {
	d, err := m.root.FollowDir(name, beneath.NoLinks)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	var all []fs.DirEntry
	for e, err := range d.ReadDir(".") {
		if err != nil {
			return nil, err
		}
		if len(all) == 1<<16 {
			return nil, &fs.PathError{Op: "readdir", Path: name, Err: beneath.ErrTooLarge}
		}
		all = append(all, fs.FileInfoToDirEntry(info{name: e.Name, mode: e.Type}))
	}
	return all, nil
}

func (m mountedFS) Stat(name string) (fs.FileInfo, error) {
	if d, err := m.root.FollowDir(name, beneath.NoLinks); err == nil {
		defer d.Close()
		st, err := d.Lstat(".")
		return info{path.Base(name), fs.ModeDir | fs.FileMode(st.Mode&0o777), &st}, err
	}
	f, err := m.root.Follow(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Stat()
}

// EvalSymlinks leaves the name as it is: opening it resolves its links, inside.
func (m mountedFS) EvalSymlinks(name string) (string, error) { return path.Clean(name), nil }

// info describes a directory or a name in one.
type info struct {
	name string
	mode fs.FileMode
	st   *unix.Stat_t // of a directory
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return 0 }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any {
	if i.st == nil {
		return nil
	}
	return &syscall.Stat_t{Uid: i.st.Uid, Gid: i.st.Gid, Mode: i.st.Mode}
}
