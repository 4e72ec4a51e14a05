package beneath

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"iter"
	"sync"

	"golang.org/x/sys/unix"
)

// A DirEntry is one name in a directory.
type DirEntry struct {
	// Name is one component, as stored: bytes that need not be UTF-8.
	Name string
	// Type holds the type bits of the mode only, 0 for a regular file. A
	// character device has ModeDevice and ModeCharDevice, as in package os.
	Type fs.FileMode
}

// ReadDir lists the directory name, whose final component must not be a link
// (ENOTDIR). The order is the file system's; "." and ".." are left out. Memory
// does not grow with the directory.
//
// A pair is an entry and nil, or a zero entry and an error, which ends the
// iteration. Nothing is opened before the first step and breaking off releases
// everything; ranging again starts afresh. Entries may be kept. Names added or
// removed during the iteration may or may not be seen.
func (d *Dir) ReadDir(name string) iter.Seq2[DirEntry, error] {
	return func(yield func(DirEntry, error) bool) {
		const flags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_NONBLOCK
		fd, err := noatime(flags, func(flags int) (int, error) { return d.open(name, flags) })
		if err != nil {
			yield(DirEntry{}, d.wrap("readdir", name, err))
			return
		}
		defer unix.Close(fd)
		buf := direntBufs.Get().(*[direntBuf]byte)
		defer direntBufs.Put(buf)
		for {
			n, err := retry(func() (int, error) { return unix.Getdents(fd, buf[:]) })
			if err != nil {
				yield(DirEntry{}, d.wrap("readdir", name, err))
				return
			}
			if n == 0 {
				return
			}
			for entry, err := range parseDirents(fd, buf[:n]) {
				if err != nil {
					yield(DirEntry{}, d.wrap("readdir", name, err))
					return
				}
				if !yield(entry, nil) {
					return
				}
			}
		}
	}
}

// direntBuf is the size that glibc uses, in bytes: some 1000 names a call.
const direntBuf = 32 << 10

var direntBufs = sync.Pool{New: func() any { return new([direntBuf]byte) }}

// parseDirents yields the entries of buf, a sequence of struct linux_dirent64
// (getdents(2)): d_ino and d_off of 8 bytes each, d_reclen of 2, d_type of 1,
// then the name, ended by NUL. dir is the directory they came from. The
// checks keep a broken file system from making us panic, loop, or return a name
// that is a path.
func parseDirents(dir int, buf []byte) iter.Seq2[DirEntry, error] {
	const nameAt = 8 + 8 + 2 + 1
	return func(yield func(DirEntry, error) bool) {
		for len(buf) > 0 {
			if len(buf) < nameAt {
				yield(DirEntry{}, unix.EIO)
				return
			}
			size := int(binary.NativeEndian.Uint16(buf[16:]))
			if size < nameAt || size > len(buf) {
				yield(DirEntry{}, unix.EIO)
				return
			}
			kind := buf[18]
			name, _, _ := bytes.Cut(buf[nameAt:size], []byte{0})
			buf = buf[size:]
			if string(name) == "." || string(name) == ".." {
				continue
			}
			if len(name) == 0 || bytes.IndexByte(name, '/') >= 0 {
				yield(DirEntry{}, unix.EIO)
				return
			}
			entry := DirEntry{Name: string(name), Type: direntType(kind)}
			if kind == unix.DT_UNKNOWN {
				var st unix.Stat_t
				err := unix.Fstatat(dir, entry.Name, &st, unix.AT_SYMLINK_NOFOLLOW)
				if err == unix.ENOENT { // removed since
					continue
				}
				if err != nil {
					yield(DirEntry{}, err)
					return
				}
				// DT_ values are the type bits of st_mode, shifted.
				entry.Type = direntType(uint8(st.Mode & unix.S_IFMT >> 12))
			}
			if !yield(entry, nil) {
				return
			}
		}
	}
}

func direntType(kind uint8) fs.FileMode {
	switch kind {
	case unix.DT_REG:
		return 0
	case unix.DT_DIR:
		return fs.ModeDir
	case unix.DT_LNK:
		return fs.ModeSymlink
	case unix.DT_FIFO:
		return fs.ModeNamedPipe
	case unix.DT_SOCK:
		return fs.ModeSocket
	case unix.DT_CHR:
		return fs.ModeDevice | fs.ModeCharDevice
	case unix.DT_BLK:
		return fs.ModeDevice
	}
	return fs.ModeIrregular
}
