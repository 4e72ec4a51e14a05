package storetest

import (
	"errors"
	"os"
	"path/filepath"
)

// Lend moves the tree of an overlay layer into the additional layer store at dir, an
// absolute path, beside its blob, and leaves a link and a note in its place, as after
// a lazy pull (container-libs storage/drivers/overlay/overlay.go:CreateAs). A nil
// blob is the layer's tar, compressed with gzip.
func Lend(layer, dir string, blob []byte) Fault {
	return forLayer(layer, func(_ *Store, l *LayerInfo) error {
		if blob == nil {
			blob = compress(l.Tar)
		}
		home := LentPath(dir, *l)
		return errors.Join(
			os.MkdirAll(home, 0o755),
			moveDir(l.Diff, filepath.Join(home, "diff")),
			os.WriteFile(filepath.Join(home, "blob"), blob, 0o644),
			os.WriteFile(filepath.Join(home, "info"), []byte(`{"id":"`+l.ID+`"}`), 0o644),
			os.WriteFile(filepath.Join(l.Dir, "additionallayer"), []byte(home), 0o644),
			os.Symlink(filepath.Join(home, "diff"), l.Diff),
			os.Remove(l.TarSplit),
		)
	})
}

// LentPath is the folder of a layer in the additional layer store at dir, one that
// keeps image references.
func LentPath(dir string, l LayerInfo) string {
	return filepath.Join(dir, "bG9jYWxob3N0L3NhbXBsZQ==", Digest([]byte("table of contents of "+l.Name)))
}

// moveDir moves a directory elsewhere: an ordinary user needs permission to write in it,
// for its "..".
func moveDir(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	return errors.Join(os.Chmod(from, 0o700), os.Rename(from, to), os.Chmod(to, info.Mode()))
}
