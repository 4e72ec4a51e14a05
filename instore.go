package cstor

import (
	"github.com/cstor-go/cstor/internal/beneath"
)

// InStore returns the root of the store that the directory dir is, or lies in, and "" if
// that is none of s. It is for those who write what they have read elsewhere: a store is
// told by what it is and not by its path, which in a mounted system
// ([DiscoverOptions.Sysroot]) is not one of this machine, as dir is. The run root of a
// transient store counts as the store; additional layer stores do not count. Links on the
// way to dir are followed. An error is that of looking at dir, which has to exist, or
// matches [fs.ErrClosed].
func (s *Storage) InStore(dir string) (root string, err error) {
	snaps, err := s.snapshots()
	for n := 0; n < len(snaps) && err == nil && root == ""; n++ {
		root, err = snaps[n].inStore(dir)
	}
	return root, err
}

// InStore is [Storage.InStore] of the stores of one configuration: those of the image.
func (i *Image) InStore(dir string) (root string, err error) { return i.snap.inStore(dir) }

// InStore is [Storage.InStore] of the stores of one configuration: those of the layer.
func (l *Layer) InStore(dir string) (root string, err error) { return l.snap.inStore(dir) }

func (s *snapshot) inStore(dir string) (root string, err error) {
	var dirs []*beneath.Dir
	var paths []string
	for _, p := range s.places {
		dirs, paths = append(dirs, p.root), append(paths, p.path)
		if run := p.run.Load(); run != nil {
			dirs, paths = append(dirs, run), append(paths, p.path)
		}
	}
	n, err := beneath.Inside(dir, dirs)
	if n < 0 {
		return "", err
	}
	return paths[n], nil
}
