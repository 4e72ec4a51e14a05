package corpora

import (
	"archive/tar"
	"io"
	"time"
)

// epoch is the modification time of the first entry; each later one is a second newer.
const epoch = 1600000000

// writeTar writes entries as the storage library, and with it buildah, does when it commits a layer: whole seconds, no
// names of users, PAX where a header has no room.
func writeTar(w io.Writer, list []entry, seed uint64) error {
	t := tar.NewWriter(w)
	buf := make([]byte, 1<<18)
	for i, e := range list {
		h := tar.Header{
			Format: tar.FormatPAX, Typeflag: e.typ, Name: e.name, Linkname: e.target,
			Mode: e.mode, Uid: e.owner, Gid: e.owner, Size: e.size, ModTime: time.Unix(epoch+int64(i), 0),
		}
		if e.typ == tar.TypeDir {
			h.Name += "/"
		}
		for key, value := range e.xattrs {
			h.PAXRecords = map[string]string{"SCHILY.xattr." + key: value}
		}
		if err := t.WriteHeader(&h); err != nil {
			return err
		}
		// Not a tar.Writer's ReadFrom, which would use a buffer of 32 KiB.
		if _, err := io.CopyBuffer(struct{ io.Writer }{t}, content(e.kind, e.size, seed, uint64(i)), buf); err != nil {
			return err
		}
	}
	return t.Close()
}
