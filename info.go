package cstor

import (
	"slices"

	"github.com/cstor-go/cstor/internal/ondisk"
)

// Info tells which stores a [Storage] is made of, and why.
type Info struct {
	Stores     []StoreInfo
	Considered []Finding
	Warnings   []error
}

// StoreInfo is one store in lookup order, and what its own lists hold.
type StoreInfo struct {
	Root   string
	Role   Role
	Driver string
	// User whose store it is, in a mounted system; else empty.
	User string
	// RunRoot of a transient store, where its containers' records are; else empty.
	RunRoot string
	// Images, Layers and Containers count records, also those that an earlier
	// store has too; -1 if the list cannot be read, and then Err says why.
	Images, Layers, Containers int
	Err                        error
}

// Info counts what the present snapshot has.
func (s *Storage) Info() (Info, error) {
	snaps, err := s.snapshots()
	if err != nil {
		return Info{}, err
	}
	info := Info{Considered: slices.Clone(s.found), Warnings: slices.Clone(s.warnings)}
	for _, snap := range snaps {
		for _, p := range snap.places {
			info.Stores = append(info.Stores, snap.info(p))
		}
	}
	return info, nil
}

func (s *snapshot) info(p *place) StoreInfo {
	i := StoreInfo{Root: p.path, Role: p.role, Driver: p.driver, User: p.owner}
	if run := p.run.Load(); run != nil {
		i.RunRoot = run.Path()
	}
	only := []*place{p}
	i.Images = i.count(s.data(only, "images/images.json"), countImages)
	i.Layers = i.count(s.data(only, "layers/layers.json", "layers/volatile-layers.json"), countLayers)
	i.Containers = i.count(s.data(only, "containers/containers.json", "containers/volatile-containers.json"), countContainers)
	return i
}

func (i *StoreInfo) count(files []*listFile, records func([]byte) (int, error)) int {
	total := 0
	for _, f := range files {
		n, err := records(f.data)
		if err != nil {
			if i.Err == nil {
				i.Err = f.place.fail(f.name, err)
			}
			return -1
		}
		total += n
	}
	return total
}

func countImages(data []byte) (int, error) {
	all, err := ondisk.Images(data)
	return len(all), err
}

func countLayers(data []byte) (int, error) {
	all, err := ondisk.Layers(data)
	return len(all), err
}

func countContainers(data []byte) (int, error) {
	all, err := ondisk.Containers(data)
	return len(all), err
}
