package cstor

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/internal/storageconf"
)

// A layer of an additional layer store has nearly nothing in its own store: its diff
// is an absolute link into a folder of the other, which has the tree (diff), the blob
// as it was or will be pulled (blob) and a record (info), and whose path is in the
// file additionallayer as well (container-libs
// storage/drivers/overlay/overlay.go:getAdditionalLayerPath, CreateAs). Such stores
// are servers behind FUSE mounts.

// layerStore is a configured additional layer store.
type layerStore struct {
	path string
	root *beneath.Dir // nil if it could not be opened
	err  error        // why
}

// openLayerStores opens what can be opened: the others are errors of layers only.
func openLayerStores(from system, paths []storageconf.LayerStore) []*layerStore {
	var all []*layerStore
	for _, p := range paths {
		s := &layerStore{path: p.Path}
		s.root, s.err = from.dir(p.Path)
		all = append(all, s)
	}
	return all
}

func (s *layerStore) folder(name string) (*beneath.Dir, error) {
	if s.err != nil {
		return nil, s.err
	}
	return s.root.Dir(name, beneath.NoLinks)
}

func (s *layerStore) close() error {
	if s.root == nil {
		return nil
	}
	return s.root.Close()
}

// lentTo is where the layer's tree is, if it is in an additional layer store. One that is
// nowhere is not lent.
func (l *Layer) lentTo() (target string, ok bool, err error) {
	if l.place.driver != "overlay" {
		return "", false, nil
	}
	diff, err := l.item("diff")
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrDamaged) {
		return "", false, nil
	}
	return diff.Text, err == nil && diff.Type == fs.ModeSymlink, err
}

// lender opens the folder that a layer has in an additional layer store, if that is
// one of those configured; target is the layer's diff. The caller closes it.
func (l *Layer) lender(target string) (*beneath.Dir, error) {
	home, ok := strings.CutSuffix(target, "/diff")
	if !ok || !path.IsAbs(target) || path.Clean(target) != target {
		return nil, fmt.Errorf("%w: its diff is a link to %.200q, which is no layer of an additional layer store", ErrDamaged, target)
	}
	switch note, err := l.item("additionallayer"); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case note.Text != home:
		return nil, fmt.Errorf("%w: its diff is a link to %.200q, but its additionallayer file says %.200q", ErrDamaged, target, note.Text)
	}
	for _, store := range l.place.layerStores {
		rest, ok := strings.CutPrefix(home, strings.TrimSuffix(store.path, "/")+"/")
		if !ok {
			continue
		}
		folder, err := store.folder(rest)
		if err != nil {
			return nil, fmt.Errorf("additional layer store %s, whose server may not be running: %w", store.path, damaged(err))
		}
		return folder, nil
	}
	return nil, fmt.Errorf("its files are in %q, which is in none of the configured additional layer stores: %w (additionallayerstores in storage.conf)",
		home, ErrUnsupported)
}
