package ocicopy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"sync"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/cstor-go/cstor/ocisource"
)

// Layout is an OCI layout in a directory, which is made if it is not there, and added to
// if it is a layout: blobs that are there are read and checked, and stay if they are
// right; the index gains one reference for each image, or has the one of that name
// replaced; what else is in the index stays as it is. A directory that is neither empty
// nor a layout is refused with [ErrNotLayout]. References are those of OCI
// (org.opencontainers.image.ref.name).
//
// Several copies into one layout may run at once: each writes files of its own, and the
// index is changed under an flock of the directory. One that fails removes the directories
// that it made, if nothing is in them and no other copy is there.
type Layout struct {
	Dir string
}

var _ Destination = Layout{}

// layoutFile is the name of the file that makes a directory a layout.
const (
	layoutFile = v1.ImageLayoutFile
	indexFile  = v1.ImageIndexFile
)

// Begin implements [Destination].
func (l Layout) Begin(ctx context.Context, images []Image, opts Options) (Session, error) {
	if l.Dir == "" {
		return nil, fmt.Errorf("%w: the name of the directory is empty", ErrDestination)
	}
	for _, i := range images {
		if err := checkLayoutRef(i.ref()); err != nil {
			return nil, err
		}
	}
	if err := outside(l.Dir, images); err != nil {
		return nil, err
	}
	for n := 0; ; n++ {
		s, err := l.begin(ctx, opts)
		// Another copy has just removed what it made for nothing: after a look, or between two
		// of os.MkdirAll.
		if n < 100 && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist)) {
			continue
		}
		return s, err
	}
}

func (l Layout) begin(ctx context.Context, opts Options) (Session, error) {
	made, err := makeDirs(l.Dir)
	if err != nil {
		return nil, err
	}
	s := &layoutSession{made: made, sync: opts.Sync, algorithms: map[digest.Algorithm]*folder{}, checked: map[digest.Digest]bool{}}
	if s.dir, err = openFolder(l.Dir); err == nil {
		err = s.enter(ctx)
	}
	if err != nil {
		_ = s.Close() // the first error counts
		return nil, err
	}
	return s, nil
}

type layoutSession struct {
	dir   *folder
	blobs *folder // with a shared flock, which says that somebody is there
	made  string  // the first directory that we made; "" if the layout was there
	sync  bool    // blobs, before they get their names

	mu         sync.Mutex
	algorithms map[digest.Algorithm]*folder // below blobs
	checked    map[digest.Digest]bool       // what is there, and is right
	refs       []v1.Descriptor              // for the index
}

func (s *layoutSession) readIndex() (*index, error) {
	file, size, err := s.dir.open(indexFile)
	if errors.Is(err, fs.ErrNotExist) {
		return newIndex(), nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	x, err := readIndex(file, size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.dir.path, err)
	}
	return x, nil
}

// PutLayer implements [Session].
func (s *layoutSession) PutLayer(ctx context.Context, l *ocisource.Layer, progress func(int64)) (v1.Descriptor, bool, error) {
	if d, ok := l.Descriptor(); ok {
		if have, err := s.has(ctx, d, progress); have || err != nil {
			return d, have, err
		}
	}
	p, err := s.dir.create()
	if err != nil {
		return v1.Descriptor{}, false, err
	}
	defer p.drop()
	d, err := l.Write(ctx, p.File, progress)
	if err != nil {
		return d, false, err
	}
	// What could not be looked for before may be there all the same, and stays.
	if have, err := s.has(ctx, d, func(int64) {}); have || err != nil {
		return d, have, err
	}
	return d, false, s.commit(p, d.Digest)
}

// PutConfig implements [Session].
func (s *layoutSession) PutConfig(_ context.Context, d v1.Descriptor, raw []byte) error {
	return s.putBytes(d.Digest, raw)
}

// PutManifest implements [Session].
func (s *layoutSession) PutManifest(_ context.Context, m Manifest) error {
	if err := s.putBytes(m.Digest, m.Raw); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refs = append(s.refs, named(m))
	return nil
}

// named is the descriptor of a manifest in an index.
func named(m Manifest) v1.Descriptor {
	d := m.Descriptor
	if m.Ref != "" {
		d.Annotations = maps.Clone(d.Annotations)
		if d.Annotations == nil {
			d.Annotations = map[string]string{}
		}
		d.Annotations[v1.AnnotationRefName] = m.Ref
	}
	return d
}

// Commit implements [Session].
func (s *layoutSession) Commit(ctx context.Context) error {
	unlock, err := s.dir.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	x, err := s.readIndex()
	if err != nil {
		return err
	}
	for _, d := range s.refs {
		if err := x.put(d); err != nil {
			return err
		}
	}
	raw, err := x.bytes()
	if err != nil {
		return err
	}
	if err := s.dir.write(indexFile, raw); err != nil {
		return err
	}
	s.made = ""
	return nil
}
