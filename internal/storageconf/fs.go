package storageconf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// FS is how configuration is read: from the host's root, or from that of a
// mounted system, which no path and no link may then leave. Paths are absolute;
// only a relative $XDG_CONFIG_HOME (set but empty is one) or
// Request.ConfigFile, and relative paths in $CONTAINERS_STORAGE_CONF and its
// _OVERRIDE, reach an implementation as they are.
//
// A missing file or directory is an error that matches [fs.ErrNotExist].
// Implementations need not be safe for concurrent use, unless the caller shares
// one between concurrent calls of this package.
type FS interface {
	// ReadFile returns a regular file's content. It must be bounded in size and
	// must not block on a FIFO.
	ReadFile(path string) ([]byte, error)
	// ReadDir returns a directory's entries in any order. The type of an entry
	// is its own, not that of what it links to. For a mounted system it should
	// be bounded: this package counts entries only after it has them.
	ReadDir(path string) ([]fs.DirEntry, error)
	// Stat follows links. Sys of its result should be a [*syscall.Stat_t];
	// otherwise the owner counts as unknown.
	Stat(path string) (fs.FileInfo, error)
	// EvalSymlinks returns the path without links, as seen from the root. A path
	// that does not exist is an error, and is then used as written.
	EvalSymlinks(path string) (string, error)
}

// maxHostFile bounds what Host reads: large enough for [Users].
const maxHostFile = maxPasswdSize

// Host is the running system. Its ReadFile refuses what is not a regular file,
// but takes /dev/null as an empty one, because pointing
// CONTAINERS_STORAGE_CONF there is the usual way to say "no configuration".
// It holds nothing and is safe for concurrent use.
type Host struct{}

var _ FS = Host{}

// ReadFile implements [FS].
func (Host) ReadFile(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		if st, ok := info.Sys().(*syscall.Stat_t); ok && info.Mode().Type() == fs.ModeDevice|fs.ModeCharDevice && st.Rdev == devNull {
			return nil, nil
		}
		return nil, &fs.PathError{Op: "read", Path: path, Err: errNotRegular}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxHostFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxHostFile {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("%w (limit %d bytes)", ErrTooLarge, maxHostFile)}
	}
	return data, nil
}

// devNull is device 1:3 as stat reports it: major in bits 8–19, minor in 0–7.
const devNull = 1<<8 | 3

var errNotRegular = errors.New("not a regular file")

// ReadDir implements [FS].
func (Host) ReadDir(path string) ([]fs.DirEntry, error) { return os.ReadDir(path) }

// Stat implements [FS].
func (Host) Stat(path string) (fs.FileInfo, error) { return os.Stat(path) }

// EvalSymlinks implements [FS].
func (Host) EvalSymlinks(path string) (string, error) { return filepath.EvalSymlinks(path) }

// missing reports whether err says that nothing can lie at a path. A component
// that is not a directory (HOME=/dev/null) counts, unlike in the library.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// ownerOf returns the owner of what info describes; false if it is unknown.
func ownerOf(info fs.FileInfo) (uid int, known bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(st.Uid), true
}
