package cstor

import (
	"fmt"
	"slices"
	"sync"

	"github.com/opencontainers/go-digest"

	"github.com/cstor-go/cstor/internal/ondisk"
)

// parsed holds what a snapshot's lists mean, each kind parsed when it is first
// asked for: listing images does not wait for thousands of layer records.
type parsed struct {
	images     lazy[*imageIndex]
	layers     lazy[*layerIndex]
	containers lazy[*containerIndex]
	links      lazy[map[string]string] // layers' ids by their link files
}

// lazy makes a value once.
type lazy[T any] struct {
	once sync.Once
	v    T
	err  error
}

func (l *lazy[T]) get(parse func() (T, error)) (T, error) {
	l.once.Do(func() { l.v, l.err = parse() })
	return l.v, l.err
}

// data returns the files of those names (behind "<driver>-") in the order of places.
func (s *snapshot) data(places []*place, names ...string) []*listFile {
	var all []*listFile
	for _, p := range places {
		for _, f := range s.files {
			if f.place == p && slices.Contains(names, f.name[len(p.driver)+1:]) {
				all = append(all, f)
			}
		}
	}
	return all
}

// imageIndex: the images of all stores, each id once, the first store winning.
type imageIndex struct {
	all      []*Image
	byID     map[string]*Image
	byName   map[string]*Image
	byDigest map[digest.Digest][]*Image
}

func (s *snapshot) imageIndex() (*imageIndex, error) {
	return s.images.get(func() (*imageIndex, error) {
		x := &imageIndex{byID: map[string]*Image{}, byName: map[string]*Image{}, byDigest: map[digest.Digest][]*Image{}}
		for _, f := range s.data(imageOrder(s.places), "images/images.json") {
			records, err := ondisk.Images(f.data)
			if err != nil {
				return nil, f.place.fail(f.name, err)
			}
			x.add(s, f.place, records)
		}
		for _, i := range x.all {
			for _, d := range i.Digests() {
				x.byDigest[d] = append(x.byDigest[d], i)
			}
		}
		return x, nil
	})
}

// imageOrder puts an image store before the root that it belongs to: it is where
// images are meant to be, and those left in the root come after
// (container-libs storage/store.go:load).
func imageOrder(places []*place) []*place {
	var all []*place
	for _, p := range places {
		switch {
		case p.role == RoleImageStore: // came before its root
		case p.partner != nil:
			all = append(all, p.partner, p)
		default:
			all = append(all, p)
		}
	}
	return all
}

func (x *imageIndex) add(s *snapshot, p *place, records []ondisk.Image) {
	here := make(map[string]*Image, len(records))
	var order []string
	for n := range records {
		r := &records[n]
		// Of two records with one id, the later wins (container-libs
		// storage/images.go:load).
		if _, twice := here[r.ID]; !twice {
			order = append(order, r.ID)
		}
		here[r.ID] = &Image{snap: s, place: p, rec: r}
	}
	names := make(map[string]*Image)
	for _, id := range order {
		for _, name := range here[id].rec.Names {
			names[name] = here[id] // of two records with one name, too
		}
	}
	for _, id := range order {
		if first := x.byID[id]; first != nil {
			first.others = append(first.others, here[id])
			continue
		}
		x.byID[id] = here[id]
		x.all = append(x.all, here[id])
	}
	for name, i := range names {
		// A name from a later store does not count if an earlier one has the same
		// image under other names (container-libs storage/store.go:Image).
		if x.byName[name] == nil && x.byID[i.rec.ID] == i {
			x.byName[name] = i
		}
	}
}

// layerIndex: the layers of all stores, each id once, the first store winning.
type layerIndex struct {
	all    []*Layer
	byID   map[string]*Layer
	byName map[string]*Layer
}

func (s *snapshot) layerIndex() (*layerIndex, error) {
	return s.layers.get(func() (*layerIndex, error) {
		x := &layerIndex{byID: map[string]*Layer{}, byName: map[string]*Layer{}}
		for _, f := range s.data(s.places, "layers/layers.json", "layers/volatile-layers.json") {
			records, err := ondisk.Layers(f.data)
			if err != nil {
				return nil, f.place.fail(f.name, err)
			}
			for n := range records {
				r := &records[n]
				// The next writer deletes incomplete layers: they are not there.
				if x.byID[r.ID] != nil || r.Incomplete() {
					continue
				}
				l := &Layer{snap: s, place: f.place, rec: r}
				x.byID[r.ID] = l
				x.all = append(x.all, l)
				for _, name := range r.Names {
					// In one list the later record has a name.
					if have := x.byName[name]; have == nil || have.place == l.place {
						x.byName[name] = l
					}
				}
			}
		}
		return x, nil
	})
}

// layer finds a layer that something refers to by id.
func (s *snapshot) layer(id string) (*Layer, error) {
	x, err := s.layerIndex()
	if err != nil {
		return nil, err
	}
	l := x.byID[id]
	if l == nil {
		return nil, fmt.Errorf("%w: no store has layer %s", ErrDamaged, id)
	}
	return l, nil
}

// containerIndex: the containers of all stores, each id once.
type containerIndex struct {
	all     []*Container
	byID    map[string]*Container
	byName  map[string]*Container
	byLayer map[string]*Container
}

func (s *snapshot) containerIndex() (*containerIndex, error) {
	return s.containers.get(func() (*containerIndex, error) {
		x := &containerIndex{byID: map[string]*Container{}, byName: map[string]*Container{}, byLayer: map[string]*Container{}}
		for _, f := range s.data(s.places, "containers/containers.json", "containers/volatile-containers.json") {
			records, err := ondisk.Containers(f.data)
			if err != nil {
				return nil, f.place.fail(f.name, err)
			}
			for n := range records {
				r := &records[n]
				if x.byID[r.ID] != nil {
					continue
				}
				c := &Container{snap: s, place: f.place, rec: r}
				x.byID[r.ID], x.byLayer[r.Layer] = c, c
				x.all = append(x.all, c)
				for _, name := range r.Names {
					if have := x.byName[name]; have == nil || have.place == c.place {
						x.byName[name] = c
					}
				}
			}
		}
		return x, nil
	})
}
