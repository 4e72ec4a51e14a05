package cstor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/tarsplit"
)

var (
	_ driver.NodesReader = (*Layer)(nil)
	_ tarsplit.Opener    = (*Layer)(nil)
)

// OpenFile opens a regular file of the layer by the name that the layer's tar gives
// it; the caller closes it. It finds what the layer itself has, not what it
// inherits. A name that the layer does not have matches [fs.ErrNotExist]. In a vfs
// store layers are full trees, so inherited files are found too. Of a file of which a
// container has changed the metadata only (overlay's metacopy) it opens the content, in
// whichever layer below has it; if none has, or who reads may not see the marks, the error
// matches [driver.ErrMetacopy].
func (l *Layer) OpenFile(name string) (*os.File, error) {
	f, err := look(l, func(f driver.Reader) (*os.File, error) { return f.OpenFile(name) })
	if errors.Is(err, driver.ErrMetacopy) {
		return l.contentBelow(name)
	}
	return f, err
}

// UseFile opens a regular file as [Layer.OpenFile] does, calls use with its descriptor
// and its size in bytes, and closes it; for many small files that is several times as
// fast. The descriptor is valid until use returns. Where its blocks shall be shared with
// another file, Linux before 5.18 may refuse it (EXDEV): one of OpenFile is needed then.
// The error of use is returned as it is.
func (l *Layer) UseFile(name string, use func(fd int, size int64) error) error {
	var used error
	_, err := look(l, func(f driver.Reader) (struct{}, error) {
		return struct{}{}, f.UseFile(name, func(fd int, size int64) error {
			used = use(fd, size)
			return nil
		})
	})
	if errors.Is(err, driver.ErrMetacopy) {
		return driver.UseOpened(l, name, use)
	}
	if err != nil {
		return err
	}
	return used
}

// Lstat looks at one node of the layer, whiteouts included; otherwise as
// [Layer.OpenFile]. Owners are the ids that a container of the layer sees, also in the
// store of an ordinary user that is read from outside his user namespace, by the ranges
// that /etc/subuid and /etc/subgid give him, those of the mounted system if there is one
// ([DiscoverOptions]), and in layers of containers with id maps of their own; 65534 stands
// for ids that no map has.
func (l *Layer) Lstat(name string) (*driver.Node, error) {
	return look(l, func(f driver.Reader) (*driver.Node, error) { return f.Lstat(name) })
}

// LstatAll is Lstat of names in a directory, as far as it takes less time than one by
// one: see [driver.NodesReader].
func (l *Layer) LstatAll(dir string, names []string) ([]*driver.Node, error) {
	return look(l, func(f driver.Reader) ([]*driver.Node, error) {
		if all, ok := f.(driver.NodesReader); ok {
			return all.LstatAll(dir, names)
		}
		if len(names) == 0 {
			return nil, nil
		}
		n, err := f.Lstat(path.Join(dir, names[0]))
		if err != nil {
			return nil, err
		}
		return []*driver.Node{n}, nil
	})
}

// ReadDir lists a directory of the layer, whiteouts included, sorted; otherwise as
// [Layer.OpenFile].
func (l *Layer) ReadDir(name string) ([]driver.DirEntry, error) {
	return look(l, func(f driver.Reader) ([]driver.DirEntry, error) { return f.ReadDir(name) })
}

// Hides reports whether the layer deletes name from the layers below by a file beside
// it, which is how mount programs and tables of contents spell it (".wh.NAME"). The
// spelling of the kernel is a node of that name itself: see [driver.Node]. It costs
// nothing in layers that know the kernel's only.
func (l *Layer) Hides(name string) (bool, error) {
	return look(l, func(f driver.Reader) (bool, error) { return driver.HiddenByFile(f, name) })
}

// HidesByFile reports whether the layer may spell deletions as files beside what they
// delete: those of stores with a mount program, and of tables of contents. See
// [Layer.Hides].
func (l *Layer) HidesByFile() (bool, error) {
	return look(l, func(f driver.Reader) (bool, error) {
		h, ok := f.(interface{ HidesByFile() bool })
		return !ok || h.HidesByFile(), nil
	})
}

// Changing reports whether a container may be writing to the layer while it is read: it is
// its own, and no image's. Files of it may then be gone, or have another size, when they
// are opened, which is an error; of others, what is read may be of different moments, and
// nothing tells.
func (l *Layer) Changing() bool { return l.ofContainer() }

// look puts a question to the layer's files.
func look[T any](l *Layer, ask func(driver.Reader) (T, error)) (v T, err error) {
	tree, err := l.snap.trees.use(l)
	if err == nil {
		defer l.snap.trees.done(tree)
		v, err = ask(tree.Tree)
	}
	return v, l.fail(err)
}

// openTree opens the layer's files.
func (l *Layer) openTree() (driver.Tree, error) {
	at, err := l.treeAt()
	if err != nil {
		return nil, err
	}
	spec := driver.Spec{Layer: at, Container: l.ofContainer()}
	if l.place.driver == "vfs" {
		spec.Form = driver.FormVFS
		if spec.IDs, err = l.ids(false); err != nil {
			return nil, err
		}
		return l.open(spec)
	}
	target, lent, err := l.lentTo()
	if err != nil {
		return nil, err
	}
	if lent {
		folder, err := l.lender(target)
		if err != nil {
			return nil, err
		}
		defer folder.Close()
		return driver.OpenOverlay(folder, driver.OverlayOptions{})
	}
	if err := l.specify(&spec); err != nil {
		return nil, err
	}
	return l.open(spec)
}

// open opens what spec says, with help if there is any.
func (l *Layer) open(spec driver.Spec) (driver.Tree, error) {
	if h := l.place.helper; h != nil {
		return h.OpenLayer(l.snap.roots(), spec)
	}
	return driver.Open(l.snap.roots(), spec)
}

// specify says what the layer's records and its folder of the overlay driver tell of
// its files.
func (l *Layer) specify(spec *driver.Spec) error {
	flat, err := l.flat()
	if err != nil {
		return err
	}
	if flat {
		if !l.hasTOC() {
			return fmt.Errorf("flat composefs layer: big data %q: %w", driver.TableKey, ErrNotFound)
		}
		spec.Form = driver.FormFlat
		for _, half := range l.place.halves() {
			spec.Tables = append(spec.Tables, l.snap.index(half))
		}
		return nil
	}
	for _, half := range l.place.halves() { // the graph root of a split store has it
		text, err := half.readSmall("overlay/.has-mount-program")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		spec.WhiteoutFiles = spec.WhiteoutFiles || text == "true"
	}
	if spec.IDs, err = l.ids(spec.WhiteoutFiles); err != nil || spec.Container {
		return err
	}
	templates, err := l.templates()
	if err != nil {
		return err
	}
	for _, t := range templates {
		at, err := t.treeAt()
		if err != nil {
			return err
		}
		spec.Lowers = append(spec.Lowers, at)
	}
	return nil
}

// layerDataKey is the key of what is known of a layer that was pulled in parts
// (container-libs storage/pkg/chunked/storage_linux.go).
const layerDataKey = "zstd-chunked-layer-data"

// flat reports whether diff holds objects instead of a tree.
func (l *Layer) flat() (bool, error) {
	if _, err := l.item("composefs-data"); err == nil {
		return true, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if !slices.Contains(l.rec.BigDataNames, layerDataKey) {
		return false, nil
	}
	raw, err := l.BigData(layerDataKey)
	if err != nil {
		return false, err
	}
	var data struct {
		Format int `json:"format"` // 0 a tree, 1 flat
	}
	if err := json.Unmarshal(raw, &data); err != nil {
		return false, fmt.Errorf("big data %q: %w", layerDataKey, err)
	}
	return data.Format == 1, nil
}

// templates are the layers that an image's layer with shifted owners was copied
// from: its own folder has only what had to change, and the rest lies in layers that
// its driver stacks below it though they are not its ancestors (container-libs
// storage/store.go:imageTopLayerForMapping).
func (l *Layer) templates() ([]*Layer, error) {
	if !l.mapped() {
		return nil, nil
	}
	lower, err := l.lowerIDs()
	if err != nil {
		return nil, err
	}
	chain, err := l.Chain()
	if err != nil {
		return nil, err
	}
	var found []*Layer
	for _, id := range lower {
		if slices.ContainsFunc(chain, func(below *Layer) bool { return below.rec.ID == id }) {
			continue
		}
		template, err := l.snap.layer(id)
		if err != nil {
			return nil, err
		}
		found = append(found, template)
	}
	return found, nil
}

// treeAt is where the layer's tree is.
func (l *Layer) treeAt() (driver.Place, error) {
	p, err := l.treePlace()
	if err != nil {
		return driver.Place{}, err
	}
	return driver.Place{Store: l.snap.index(p), ID: l.rec.ID}, nil
}

// item looks at something that the layer's folder of the overlay driver has beside its
// files. Its owner is in terms of the namespace of the store's tools. Only who is the
// layer's root may enter the folder, and in layers with id maps that is somebody else than
// the store's owner (container-libs storage/drivers/overlay/overlay.go:create).
func (l *Layer) item(name string) (driver.Item, error) {
	at, err := l.treeAt()
	if err != nil {
		return driver.Item{}, err
	}
	item, err := driver.ReadItem(l.snap.roots(), at, name)
	if h := l.place.helper; h != nil && errors.Is(err, fs.ErrPermission) {
		return h.ReadItem(l.snap.roots(), at, name)
	}
	if err != nil {
		return driver.Item{}, err
	}
	disk, err := l.place.ids()
	item.UID, item.GID = disk.UIDs.In(item.UID), disk.GIDs.In(item.GID)
	return item, err
}
