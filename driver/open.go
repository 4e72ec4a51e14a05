package driver

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/internal/ondisk"
)

// Tree is a layer that is open. The caller closes it.
type Tree interface {
	Reader
	// Close releases what the layer holds; files that were opened stay valid. Calls
	// after it fail with [fs.ErrClosed].
	Close() error
}

// Open opens the layer that spec says, of the stores at these directories, which are
// not needed any longer then. A spec that names something else than a layer's folder
// gives an error that matches [fs.ErrInvalid].
func Open(stores []*beneath.Dir, spec Spec) (Tree, error) {
	if err := spec.check(len(stores)); err != nil {
		return nil, err
	}
	store := stores[spec.Layer.Store]
	if spec.Form == FormVFS {
		dirs, err := store.Dir("vfs/dir", beneath.NoLinks)
		if err != nil {
			return nil, err
		}
		defer dirs.Close()
		return closer(OpenVFS(dirs, spec.Layer.ID, VFSOptions{IDs: spec.IDs}))
	}
	dir, err := folder(stores, spec.Layer)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	if spec.Form == FormFlat {
		return openFlat(stores, spec, dir)
	}
	opts := OverlayOptions{WhiteoutFiles: spec.WhiteoutFiles, Container: spec.Container, IDs: spec.IDs}
	for _, p := range spec.Lowers {
		lower, err := folder(stores, p)
		if err != nil {
			return nil, err
		}
		defer lower.Close()
		opts.Lowers = append(opts.Lowers, lower)
	}
	return closer(OpenOverlay(dir, opts))
}

// closer keeps a nil pointer from becoming a Tree.
func closer[T Tree](t T, err error) (Tree, error) {
	if err != nil {
		return nil, err
	}
	return t, nil
}

// folder opens a layer's folder of the overlay driver.
func folder(stores []*beneath.Dir, at Place) (*beneath.Dir, error) {
	return stores[at.Store].Dir("overlay/"+at.ID, beneath.NoLinks)
}

// TableKey is the key of the big data that has the table of contents of a layer that
// was pulled in parts (container-libs storage/pkg/chunked/storage_linux.go).
const TableKey = "zstd-chunked-manifest"

// MaxTable is how large a table of contents may be, in bytes: the reference's limit,
// 150 MiB (container-libs storage/pkg/chunked), with room.
const MaxTable = 160 << 20

// openFlat opens a flat layer in folder dir. In a split store the table may lie in the
// other half.
func openFlat(stores []*beneath.Dir, spec Spec, dir *beneath.Dir) (Tree, error) {
	err := fs.ErrNotExist
	for _, n := range spec.Tables {
		var table *os.File
		table, err = stores[n].File("overlay-layers/" + spec.Layer.ID + "/" + ondisk.BigDataFile(TableKey))
		if err == nil {
			defer table.Close()
			return openFlatBy(table, dir)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return nil, errTable(err)
}

// openFlatBy opens it by its table.
func openFlatBy(table *os.File, dir *beneath.Dir) (Tree, error) {
	info, err := table.Stat()
	if err == nil && info.Size() > MaxTable {
		err = fmt.Errorf("%d bytes: %w", info.Size(), beneath.ErrTooLarge)
	}
	if err != nil {
		return nil, errTable(err)
	}
	return closer(OpenComposefs(dir, bufio.NewReaderSize(io.LimitReader(table, MaxTable), 64<<10)))
}

func errTable(err error) error {
	return fmt.Errorf("flat composefs layer: big data %q: %w", TableKey, err)
}

// Item is something that a layer's folder of the overlay driver has beside the layer's
// files.
type Item struct {
	Type     fs.FileMode // type bits only
	UID, GID uint32      // as this process sees them
	Text     string      // of those that are read: see [ReadItem]
}

// items are the names of what may be asked for, and whether it is read.
var items = map[string]bool{
	"diff": true, // a symbolic link in layers of additional layer stores
	"link": true, "lower": true, "lower-layers": true, "additionallayer": true,
	"composefs-data": false, ".": false,
}

// maxItem is how large an item may be, in bytes: 500 lower layers' ids take 32 KiB.
const maxItem = 1 << 20

// ReadItem looks at an item of a layer's folder: the folder itself, ".", "composefs-data", or "link", "lower",
// "lower-layers", "additionallayer" and "diff", of which Text is then the content, if
// they are regular files, or the target, if they are symbolic links. One that is not
// there gives an error that matches [fs.ErrNotExist].
func ReadItem(stores []*beneath.Dir, at Place, name string) (Item, error) {
	read, ok := items[name]
	err := at.check(len(stores))
	if err == nil && !ok {
		err = fail("read", name, fs.ErrInvalid)
	}
	if err != nil {
		return Item{}, err
	}
	store, path := stores[at.Store], "overlay/"+at.ID
	if name != "." {
		path += "/" + name
	}
	st, err := store.Lstat(path)
	if err != nil {
		return Item{}, err
	}
	item := Item{Type: typeOf(st.Mode), UID: st.Uid, GID: st.Gid}
	switch {
	case !read:
	case item.Type == fs.ModeSymlink:
		item.Text, err = store.Readlink(path)
	case item.Type == 0:
		var text []byte
		text, err = store.ReadFile(path, maxItem)
		item.Text = string(text)
	}
	return item, err
}
