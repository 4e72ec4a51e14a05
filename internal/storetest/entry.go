package storetest

import (
	"archive/tar"
	"math/rand/v2"
	"path"
	"strings"
)

// xattrPrefix begins the PAX record of an extended attribute, as star and
// archive/tar write it.
const xattrPrefix = "SCHILY.xattr."

// Whiteout names in a tar: OCI image-spec layer.md, "Whiteouts".
const (
	whiteoutPrefix = ".wh."
	opaqueName     = ".wh..wh..opq"
)

// Entry is one entry of a layer's tar. A zero ModTime takes the time of the
// store; a hard link without mode takes mode, owner and time of its target.
type Entry struct {
	tar.Header
	// Content of a regular file; Header.Size is set from it.
	Content []byte
}

// File is a regular file.
func File(name string, mode int64, content string) Entry {
	return Entry{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode}, []byte(content)}
}

// Dir is a directory; the slash at the end of its tar name is added.
func Dir(name string, mode int64) Entry {
	return Entry{Header: tar.Header{Typeflag: tar.TypeDir, Name: strings.TrimSuffix(name, "/") + "/", Mode: mode}}
}

// Symlink is a symbolic link.
func Symlink(name, target string) Entry {
	return Entry{Header: tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777}}
}

// Hardlink is another name of target, an earlier entry.
func Hardlink(name, target string) Entry {
	return Entry{Header: tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: target}}
}

// FIFO is a named pipe.
func FIFO(name string, mode int64) Entry {
	return Entry{Header: tar.Header{Typeflag: tar.TypeFifo, Name: name, Mode: mode}}
}

// Char is a character device.
func Char(name string, mode, major, minor int64) Entry {
	return Entry{Header: tar.Header{Typeflag: tar.TypeChar, Name: name, Mode: mode, Devmajor: major, Devminor: minor}}
}

// Block is a block device.
func Block(name string, mode, major, minor int64) Entry {
	return Entry{Header: tar.Header{Typeflag: tar.TypeBlock, Name: name, Mode: mode, Devmajor: major, Devminor: minor}}
}

// Whiteout deletes name of the layers below.
func Whiteout(name string) Entry {
	dir, base := path.Split(name)
	return File(dir+whiteoutPrefix+base, 0, "")
}

// Opaque hides what the layers below have in directory dir.
func Opaque(dir string) Entry {
	return File(strings.TrimSuffix(dir, "/")+"/"+opaqueName, 0, "")
}

// Global is a PAX global header with the given records.
func Global(records map[string]string) Entry {
	return Entry{Header: tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: records}}
}

// Owned returns e with owner and group.
func (e Entry) Owned(uid, gid int) Entry {
	e.Uid, e.Gid = uid, gid
	return e
}

// Xattr returns e with one more extended attribute.
func (e Entry) Xattr(key, value string) Entry {
	records := map[string]string{xattrPrefix + key: value}
	for k, v := range e.PAXRecords {
		if _, set := records[k]; !set {
			records[k] = v
		}
	}
	e.PAXRecords = records
	return e
}

// Random returns n bytes that do not compress, the same for the same seed.
func Random(n int64, seed uint64) []byte {
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(key).Read(b) // never fails
	return b
}

// xattrs returns the extended attributes of e.
func (e Entry) xattrs() map[string]string {
	m := map[string]string{}
	for k, v := range e.PAXRecords {
		if key, ok := strings.CutPrefix(k, xattrPrefix); ok {
			m[key] = v
		}
	}
	return m
}

// place is where an entry called name lies in its layer: "/" or "/a/b".
func place(name string) string { return path.Clean("/" + name) }
