package storetest

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// chunkSize is where the table of contents splits a file. Real writers split
// by content; readers have to take any size.
const chunkSize = 64 << 10

// tocEntry is an entry of a zstd:chunked table of contents (container-libs
// storage/pkg/chunked/internal/minimal/compression.go:FileMetadata).
type tocEntry struct {
	Type        string            `json:"type"`
	Name        string            `json:"name"`
	Linkname    string            `json:"linkName,omitempty"`
	Mode        int64             `json:"mode,omitempty"`
	Size        int64             `json:"size,omitempty"`
	UID         int               `json:"uid,omitempty"`
	GID         int               `json:"gid,omitempty"`
	ModTime     *time.Time        `json:"modtime,omitempty"`
	Devmajor    int64             `json:"devMajor,omitempty"`
	Devminor    int64             `json:"devMinor,omitempty"`
	Xattrs      map[string][]byte `json:"xattrs,omitempty"`
	Digest      string            `json:"digest,omitempty"`
	Offset      int64             `json:"offset,omitempty"`
	EndOffset   int64             `json:"endOffset,omitempty"`
	ChunkSize   int64             `json:"chunkSize,omitempty"`
	ChunkOffset int64             `json:"chunkOffset,omitempty"`
	ChunkDigest string            `json:"chunkDigest,omitempty"`
	ChunkType   string            `json:"chunkType,omitempty"`
}

var tocTypes = map[byte]string{
	tar.TypeReg: "reg", tar.TypeLink: "hardlink", tar.TypeSymlink: "symlink", tar.TypeDir: "dir",
	tar.TypeChar: "char", tar.TypeBlock: "block", tar.TypeFifo: "fifo",
}

// tableOfContents makes the TOC of a layer. Its positions in the blob are made
// up, as the blob is. A name that is not UTF-8 is damaged by JSON, which is why
// the original refuses such layers; so do we.
func tableOfContents(entries []Entry, split []byte) ([]byte, error) {
	list := []tocEntry{}
	var at int64
	for _, e := range entries {
		kind, ok := tocTypes[e.Typeflag]
		if !ok {
			continue // a PAX global header
		}
		if !validText(e.Name) || !validText(e.Linkname) {
			return nil, errors.New("a chunked layer cannot have a name that is not UTF-8")
		}
		t := tocEntry{
			Type: kind, Name: e.Name, Linkname: e.Linkname, Mode: e.Mode, Size: e.Size, UID: e.Uid, GID: e.Gid,
			ModTime: &e.ModTime, Devmajor: e.Devmajor, Devminor: e.Devminor, Xattrs: map[string][]byte{},
		}
		for k, v := range e.xattrs() {
			t.Xattrs[k] = []byte(v)
		}
		if len(e.Content) == 0 {
			list = append(list, t)
			continue
		}
		t.Digest = Digest(e.Content)
		for off := 0; off < len(e.Content); off += chunkSize {
			if off > 0 {
				t = tocEntry{Type: "chunk", Name: e.Name, ChunkOffset: int64(off)}
			}
			chunk := e.Content[off:min(off+chunkSize, len(e.Content))]
			t.Offset, t.EndOffset = at, at+int64(len(chunk))/2+10
			at = t.EndOffset
			t.ChunkSize, t.ChunkDigest = int64(len(chunk)), Digest(chunk)
			if allZero(chunk) {
				t.ChunkType = "zeros"
			}
			list = append(list, t)
		}
	}
	return json.Marshal(struct {
		Version        int        `json:"version"`
		Entries        []tocEntry `json:"entries"`
		TarSplitDigest string     `json:"tarSplitDigest"`
	}{1, list, Digest(split)})
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// ObjectName is the name below diff of a flat layer's object with this content
// (container-libs storage/pkg/chunked/internal/path/path.go:RegularFilePathForValidatedDigest).
func ObjectName(content []byte) string {
	hex := hexOf(content)
	return hex[:2] + "/" + hex[2:]
}

// flatTree fills diff with objects, and makes the stub of composefs.blob. Real
// objects have mode 0000; an ordinary user gets a mode that lets it read them.
func (b *builder) flatTree(info *LayerInfo) error {
	mode := fs.FileMode(0)
	if !b.can.chown {
		mode = 0o400
	}
	if err := os.Mkdir(info.Diff, 0o755); err != nil {
		return err
	}
	for _, e := range info.Entries {
		if e.Typeflag != tar.TypeReg {
			continue
		}
		path := filepath.Join(info.Diff, ObjectName(e.Content))
		if _, err := os.Lstat(path); err == nil {
			continue
		}
		if err := writeFile(path, e.Content, mode); err != nil {
			return err
		}
	}
	blob := filepath.Join(info.Dir, "composefs-data", "composefs.blob")
	return writeFile(blob, []byte("a stub, not an EROFS image\n"), 0o644)
}
