package driver

import (
	"fmt"
	"io/fs"

	"github.com/cstor-go/cstor/internal/ondisk"
)

// Spec says which files of some stores are one layer's, and what the records say of
// it. It is data alone, so that another process can open the layer as this one would:
// see [Open] and [Helper].
type Spec struct {
	Form  Form
	Layer Place
	// Tables are the stores that may have the table of contents of a flat layer, in
	// the order in which it is looked for.
	Tables []int
	// WhiteoutFiles is as in [OverlayOptions].
	WhiteoutFiles bool
	// Container is as in [OverlayOptions]; layers of any form without it do not change.
	Container bool
	// Lowers are the layers below in which content is looked for when the layer has
	// none: see [OverlayOptions].
	Lowers []Place
	// IDs are what owners mean. A [Helper] leaves out the first step if its process is
	// in the namespace of the store's tools.
	IDs IDs
}

// Form is how a layer's files lie on disk.
type Form int

// Forms of layers.
const (
	FormOverlay Form = iota // [Overlay]
	FormVFS                 // [VFS]
	FormFlat                // [Composefs]
)

// Place says where a layer's folder is.
type Place struct {
	Store int    // which of the stores, counted from 0
	ID    string // of the layer: a name of one component
}

// maxPlaces is how many folders or stores a Spec may name: more than the layers of any
// image (cstor.MaxChain).
const maxPlaces = 512

// check refuses a Spec that would lead elsewhere than to folders of layers in so many
// stores.
func (s *Spec) check(stores int) error {
	if len(s.Lowers) > maxPlaces || len(s.Tables) > maxPlaces {
		return fmt.Errorf("layer of more than %d folders: %w", maxPlaces, fs.ErrInvalid)
	}
	if s.Form < FormOverlay || s.Form > FormFlat {
		return fmt.Errorf("layer of form %d: %w", s.Form, fs.ErrInvalid)
	}
	for _, n := range s.Tables {
		if err := (Place{n, s.Layer.ID}).check(stores); err != nil {
			return err
		}
	}
	for _, p := range s.Lowers {
		if err := p.check(stores); err != nil {
			return err
		}
	}
	return s.Layer.check(stores)
}

func (p Place) check(stores int) error {
	if p.Store < 0 || p.Store >= stores {
		return fmt.Errorf("store %d of %d: %w", p.Store, stores, fs.ErrInvalid)
	}
	if err := ondisk.CheckID(p.ID); err != nil {
		return fmt.Errorf("%w: %w", fs.ErrInvalid, err)
	}
	return nil
}
