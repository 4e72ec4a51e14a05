package cstor

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/internal/idmap"
	"github.com/cstor-go/cstor/internal/ondisk"
)

// Role says what a store is in a configuration.
type Role string

// Roles of stores.
const (
	RolePrimary    Role = "primary"    // the graph root
	RoleImageStore Role = "imagestore" // holds the primary's images and their layers' trees
	RoleAdditional Role = "additional" // read-only, from additionalimagestores
)

// place is one directory laid out as a store: <driver>-layers, <driver>-images,
// <driver>-containers and the driver's own. It holds descriptors, no state.
type place struct {
	path   string
	role   Role
	owner  string // of a mounted system: the user whose store it is; else empty
	driver string
	root   *beneath.Dir
	// run is the run root of a transient store, which keeps its volatile lists
	// there; nil if it is not there, or the store is not transient.
	run       atomic.Pointer[beneath.Dir]
	openRun   func() (*beneath.Dir, error) // nil if it is not to be looked for: see findRun
	transient bool
	// partner is the other half of a split store: layer records, tar-split files and
	// trees of one half may lie in the other (container-libs storage/store.go:load,
	// layers.go:newLayerStore).
	partner *place
	tokens  tokens
	used    usedFiles // of a StateDir
	// layerStores are the additional layer stores of the configuration, shared by its
	// places and closed by the primary one.
	layerStores []*layerStore
	lock        bool          // content is read under the writers' lock: see hold
	helper      driver.Helper // opens layers; nil if this process does
	// ids are the maps of the namespace in which the store's tools run, if we are
	// outside of it.
	ids func() (idmap.Maps, error)
}

// openPlace opens the store at path, through dir, and checks that it has the
// driver's folders.
func openPlace(path, driver string, role Role, dir opener) (*place, error) {
	root, err := dir(path)
	if err != nil {
		return nil, rootError(path, err)
	}
	p := &place{path: path, role: role, root: root, driver: driver}
	switch driver {
	case "overlay", "vfs":
		if !p.has(driver+"-layers") && !p.has(driver+"-images") {
			err = fmt.Errorf("%w: there is neither %s-images nor %s-layers", ErrNotStore, driver, driver)
		}
	default:
		err = fmt.Errorf("driver %q: %w", driver, ErrUnsupported)
	}
	if err != nil {
		_ = root.Close() // was only read
		return nil, &StoreError{Store: path, Err: err}
	}
	return p, nil
}

// rootError says why a store's directory could not be opened.
func rootError(path string, err error) error {
	switch inner := (*fs.PathError)(nil); {
	case errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("%w: there is no such directory", ErrNotStore)
	case errors.Is(err, unix.ENOTDIR):
		err = fmt.Errorf("%w: it is not a directory", ErrNotStore)
	case errors.As(err, &inner):
		err = inner.Err // the path is named already
	}
	return &StoreError{Store: path, Err: err}
}

func (p *place) has(name string) bool {
	st, err := p.root.Lstat(name)
	return err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR
}

func (p *place) close() error {
	err := errors.Join(p.root.Close(), p.tokens.close(), p.used.close())
	if run := p.run.Load(); run != nil {
		err = errors.Join(err, run.Close())
	}
	if p.role == RolePrimary {
		for _, s := range p.layerStores {
			err = errors.Join(err, s.close())
		}
	}
	return err
}

// halves are p and, in a split store, the other half.
func (p *place) halves() []*place {
	if p.partner == nil {
		return []*place{p}
	}
	return []*place{p, p.partner}
}

// fail wraps an error about a part of the store.
func (p *place) fail(what string, err error) error {
	if err == nil {
		return nil
	}
	if inner := (*StoreError)(nil); errors.As(err, &inner) {
		return err // already says where
	}
	return &StoreError{Store: p.path, What: what, Err: err}
}

// bigData reads an item that lies beside the record id of a kind ("images",
// "layers", "containers"), at most limit bytes.
func (p *place) bigData(kind, id, key string, limit int64) ([]byte, error) {
	file := ondisk.BigDataFile(key)
	if file == "" || file == "." || file == ".." {
		return nil, fmt.Errorf("big data %q: %w", key, ErrNotFound)
	}
	b, err := p.root.ReadFile(p.driver+"-"+kind+"/"+id+"/"+file, limit)
	if err != nil {
		return nil, fmt.Errorf("big data %q: %w", key, damaged(err))
	}
	return b, nil
}

// readSmall reads a file that the driver writes in one piece, without the white space
// that may end it.
func (p *place) readSmall(name string) (string, error) {
	b, err := p.root.ReadFile(name, 1<<20)
	return string(bytes.TrimRight(b, " \t\r\n")), err
}
