package cstor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/tarsplit"
)

var (
	_ driver.Files    = (*Layer)(nil)
	_ tarsplit.Opener = (*Layer)(nil)
)

// content is a layer's files as its driver left them.
type content interface {
	driver.Reader
	Close() error
}

// OpenFile opens a regular file of the layer by the name that the layer's tar gives
// it; the caller closes it. It finds what the layer itself has, not what it
// inherits. A name that the layer does not have matches [fs.ErrNotExist]. In a vfs
// store layers are full trees, so inherited files are found too.
func (l *Layer) OpenFile(name string) (*os.File, error) {
	return look(l, func(f driver.Files) (*os.File, error) { return f.OpenFile(name) })
}

// Lstat looks at one node of the layer, whiteouts included; otherwise as
// [Layer.OpenFile].
func (l *Layer) Lstat(name string) (*driver.Node, error) {
	return look(l, func(f driver.Files) (*driver.Node, error) { return f.Lstat(name) })
}

// ReadDir lists a directory of the layer, whiteouts included, sorted; otherwise as
// [Layer.OpenFile].
func (l *Layer) ReadDir(name string) ([]driver.DirEntry, error) {
	return look(l, func(f driver.Files) ([]driver.DirEntry, error) { return f.ReadDir(name) })
}

// Hides reports whether the layer deletes name from the layers below by a file beside
// it, which is how mount programs and tables of contents spell it (".wh.NAME"). The
// spelling of the kernel is a node of that name itself: see [driver.Node]. It costs
// nothing in layers that know the kernel's only.
func (l *Layer) Hides(name string) (bool, error) {
	return look(l, func(f driver.Files) (bool, error) { return driver.HiddenByFile(f, name) })
}

// look puts a question to the layer's files.
func look[T any](l *Layer, ask func(driver.Files) (T, error)) (v T, err error) {
	tree, err := l.snap.trees.use(l)
	if err == nil {
		defer l.snap.trees.done(tree)
		v, err = ask(tree.content)
	}
	return v, l.fail(err)
}

func (l *Layer) openTree() (content, error) {
	p, err := l.treePlace()
	if err != nil {
		return nil, err
	}
	if p.driver == "vfs" {
		dirs, err := p.root.Dir("vfs/dir", beneath.NoLinks)
		if err != nil {
			return nil, err
		}
		defer dirs.Close()
		return driver.OpenVFS(dirs, l.rec.ID)
	}
	dir, err := p.root.Dir("overlay/"+l.rec.ID, beneath.NoLinks)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	if lent(dir) {
		folder, err := l.lender(dir)
		if err != nil {
			return nil, err
		}
		defer folder.Close()
		return driver.OpenOverlay(folder, driver.OverlayOptions{})
	}
	flat, err := l.flat(dir)
	if err != nil {
		return nil, err
	}
	if flat {
		table, err := l.BigData(tocKey)
		if err != nil {
			return nil, fmt.Errorf("flat composefs layer: %w", err)
		}
		return driver.OpenComposefs(dir, bytes.NewReader(table))
	}
	opts := driver.OverlayOptions{Container: l.rec.DiffDigest == "" && l.rec.TOCDigest == ""}
	for _, half := range l.place.halves() { // the graph root of a split store has it
		text, err := half.readSmall("overlay/.has-mount-program")
		opts.WhiteoutFiles = opts.WhiteoutFiles || err == nil && text == "true"
	}
	if opts.Container {
		return driver.OpenOverlay(dir, opts)
	}
	templates, err := l.templates()
	if err != nil {
		return nil, err
	}
	for _, t := range templates {
		lower, err := t.folder()
		if err != nil {
			return nil, err
		}
		defer lower.Close()
		opts.Lowers = append(opts.Lowers, lower)
	}
	return driver.OpenOverlay(dir, opts)
}

// Keys of the big data of layers that were pulled in parts
// (container-libs storage/pkg/chunked/storage_linux.go).
const (
	tocKey       = "zstd-chunked-manifest"
	layerDataKey = "zstd-chunked-layer-data"
)

// flat reports whether diff holds objects instead of a tree.
func (l *Layer) flat(dir *beneath.Dir) (bool, error) {
	if _, err := dir.Lstat("composefs-data"); err == nil {
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

// folder opens the layer's folder of the overlay driver.
func (l *Layer) folder() (*beneath.Dir, error) {
	p, err := l.treePlace()
	if err != nil {
		return nil, err
	}
	return p.root.Dir("overlay/"+l.rec.ID, beneath.NoLinks)
}
