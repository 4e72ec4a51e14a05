package cstor

import (
	"strings"
	"time"

	"github.com/cstor-go/cstor/internal/ondisk"
)

// Container is a stored container: an image and a writable layer. It belongs to one
// snapshot, never changes, and is safe for concurrent use. Its slices must not be
// written to.
type Container struct {
	snap  *snapshot
	place *place
	rec   *ondisk.Container
}

// ID is the container's id.
func (c *Container) ID() string { return c.rec.ID }

// Names are the container's names.
func (c *Container) Names() []string { return c.rec.Names }

// ImageID is the id of the image it was made from; empty if from none.
func (c *Container) ImageID() string { return c.rec.Image }

// LayerID is the id of its writable layer.
func (c *Container) LayerID() string { return c.rec.Layer }

// Created is when it was made.
func (c *Container) Created() time.Time { return c.rec.Created }

// Metadata is a JSON text of the writer's own.
func (c *Container) Metadata() string { return c.rec.Metadata }

// BigDataNames are the keys of the items kept with the container.
func (c *Container) BigDataNames() []string { return c.rec.Keys }

// UIDMap and GIDMap are the container's id maps.
func (c *Container) UIDMap() []IDMap { return c.rec.UIDMap }

// GIDMap is as [Container.UIDMap].
func (c *Container) GIDMap() []IDMap { return c.rec.GIDMap }

// Store is the root of the store that the container lies in, and its role.
func (c *Container) Store() (root string, role Role) { return c.place.path, c.place.role }

// String is the container's first name, or its id.
func (c *Container) String() string {
	if len(c.rec.Names) > 0 {
		return c.rec.Names[0]
	}
	return c.rec.ID
}

// Layers are the layers of the container's root file system, base first: the
// image's, then its own writable one. They are what packages merge, imagefs, extract and
// changes take, whether the container runs or not; while it does, its own layer changes
// ([Layer.Changing]).
func (c *Container) Layers() ([]*Layer, error) {
	own, err := c.snap.layer(c.rec.Layer)
	if err != nil {
		return nil, c.fail(err)
	}
	chain, err := own.Chain()
	return chain, c.fail(err)
}

func (c *Container) fail(err error) error { return c.place.fail("container "+c.rec.ID, err) }

// Container finds a container by id, name, id of its layer, or unique prefix of its
// id (container-libs storage/containers.go:lookup). A prefix of several is an
// [*AmbiguousError]; if there is none, the error matches [ErrNotFound].
func (s *Storage) Container(ref string) (*Container, error) {
	return search(s, func(snap *snapshot) (*Container, error) { return snap.findContainer(ref) })
}

func (s *snapshot) findContainer(ref string) (*Container, error) {
	x, err := s.containerIndex()
	if err != nil {
		return nil, err
	}
	for _, by := range []map[string]*Container{x.byID, x.byName, x.byLayer} {
		if c := by[ref]; c != nil {
			return c, nil
		}
	}
	if ref != "" {
		c, err := one("container", ref, x.all, func(c *Container) bool { return strings.HasPrefix(c.rec.ID, ref) })
		if c != nil || err != nil {
			return c, err
		}
	}
	return nil, notFoundError("container", ref)
}
