package storetest

import "fmt"

// LayerInfo is what is known of a layer that was built. Its slices are shared:
// read only.
type LayerInfo struct {
	Name   string
	ID     string
	Parent string // id, "" for a base layer
	DiffID string // "sha256:…"; "" for container layers and layers known by their TOC
	Size   int64  // of the tar, in bytes

	Tar     []byte  // what an exact export must yield; nil for a container layer
	Entries []Entry // read back out of the tar, so with complete headers

	CompressedDigest string // as recorded; made up unless Compression is none
	TOC              []byte // big data zstd-chunked-manifest, or nil
	TOCDigest        string

	Link     string // short name in overlay/l; "" for vfs
	Dir      string // the layer's folder: overlay/ID, vfs/dir/ID
	Diff     string // its tree: Dir/diff, or Dir for vfs
	TarSplit string // path of the tar-split file; nothing is there for container layers
	Record   string // path of the JSON file with its record

	flat   bool
	diffID string       // known here even where it is not recorded
	blob   descriptor   // of the blob as pulled, for manifests
	chain  []*LayerInfo // this layer and its parents, the top first
	lowers []*LayerInfo // what lies below in the overlay; not the parents where a layer is mapped
}

// ImageInfo is what is known of an image that was built.
type ImageInfo struct {
	Name     string // how the spec calls it
	Names    []string
	ID       string
	Digest   string // of Manifest
	Manifest []byte
	Config   []byte   // nil for an index
	Layers   []string // ids, base first
	Dir      string   // its big data
	Record   string   // path of images.json

	platform string
	docker   bool
	top      *LayerInfo
	record   imageRecord
}

// ContainerInfo is what is known of a container that was built.
type ContainerInfo struct {
	Name   string
	ID     string
	Image  string // id
	Layer  LayerInfo
	Record string // path of the JSON file with its record
}

// Layers returns the layers in order of creation, those of containers last.
func (s *Store) Layers() []LayerInfo { return s.layers.all() }

// Images returns images and indexes in order of creation.
func (s *Store) Images() []ImageInfo { return s.images.all() }

// Containers returns the containers in order of creation.
func (s *Store) Containers() []ContainerInfo { return s.containers.all() }

// Layer returns the layer that the spec calls name. It panics if there is none.
func (s *Store) Layer(name string) LayerInfo { return *must(s.layer(name)) }

// Image returns the image of that name or handle. It panics if there is none.
func (s *Store) Image(name string) ImageInfo { return *must(s.image(name)) }

// Container returns the container of that name. It panics if there is none.
func (s *Store) Container(name string) ContainerInfo { return *must(s.container(name)) }

// layer looks in this store and then in its parents.
func (s *Store) layer(name string) (*LayerInfo, error) {
	for _, store := range append([]*Store{s}, s.opts.Parents...) {
		if l := store.layers.byKey[name]; l != nil {
			return l, nil
		}
	}
	return nil, fmt.Errorf("no layer %q", name)
}

func (s *Store) image(name string) (*ImageInfo, error) {
	for _, store := range append([]*Store{s}, s.opts.Parents...) {
		if i := store.images.byKey[name]; i != nil {
			return i, nil
		}
	}
	return nil, fmt.Errorf("no image %q", name)
}

func (s *Store) container(name string) (*ContainerInfo, error) {
	if c := s.containers.byKey[name]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("no container %q", name)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic("storetest: " + err.Error())
	}
	return v
}
