package cstor

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cstor-go/cstor/driver"
)

// Storage is one opened configuration. It holds descriptors of directories and lock
// files. It is safe for concurrent use.
type Storage struct {
	configs  [][]*place // each in lookup order; one, but in a mounted system
	warnings []error
	found    []Finding // how it was discovered
	foundLen int       // see note
	lock     bool      // Options.Lock
	helper   driver.Helper

	snaps  atomic.Pointer[[]*snapshot] // one for each configuration
	mu     sync.Mutex                  // held by Refresh and Close
	closed atomic.Bool
	trees  trees
}

// Warnings are the troubles met while opening that did not prevent it, such as an
// additional store that is missing.
func (s *Storage) Warnings() []error { return s.warnings }

// Refresh takes a new snapshot if the store has changed since the last was taken.
// Values of the old one stay what they are. While nothing has changed it costs a
// system call or two for each list. The run root of a transient store that was not there
// is looked for again, but not in a mounted system.
func (s *Storage) Refresh(ctx context.Context) (changed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, err := s.snapshots()
	if err != nil {
		return false, err
	}
	snaps := slices.Clone(old)
	for n, snap := range old {
		if err := snap.places[0].findRun(); err != nil {
			return false, err
		}
		same, err := snap.unchanged()
		if err != nil {
			return false, err
		}
		if same {
			continue
		}
		if snaps[n], err = takeSnapshot(ctx, snap.places, &s.trees, roomFor(snaps, snap)); err != nil {
			return false, err
		}
		changed = true
	}
	s.snaps.Store(&snaps)
	return changed, nil
}

// Close releases the directories. Files opened through s, and what has been read,
// stay valid; everything else fails with an error that matches [fs.ErrClosed].
// Closing twice is fine.
func (s *Storage) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Swap(true) {
		return nil
	}
	err := s.trees.close()
	for _, places := range s.configs {
		err = errors.Join(err, closePlaces(places))
	}
	return err
}

func (s *Storage) snapshots() ([]*snapshot, error) {
	if s.closed.Load() {
		return nil, errClosed
	}
	return *s.snaps.Load(), nil
}

// search puts a question to the configurations in turn, until one has an answer.
func search[T any](s *Storage, ask func(*snapshot) (T, error)) (v T, err error) {
	snaps, err := s.snapshots()
	for _, snap := range snaps {
		if v, err = ask(snap); !errors.Is(err, ErrNotFound) {
			break
		}
	}
	return v, err
}

// Images yields the images of all stores in lookup order, each id once: the first
// store that has it wins. Images that are being pulled are among them. In a mounted
// system each user's stores count for themselves.
//
// A pair is (image, nil) or (nil, err); after an error the iteration ends. Yielded
// values may be kept. All of one iteration belong to one snapshot.
func (s *Storage) Images() iter.Seq2[*Image, error] {
	return list(s, func(n *snapshot) ([]*Image, error) {
		x, err := n.imageIndex()
		if err != nil {
			return nil, err
		}
		return x.all, nil
	})
}

// Layers yields the layers of all stores; otherwise as [Storage.Images]. Layers
// that are being made or deleted are left out.
func (s *Storage) Layers() iter.Seq2[*Layer, error] {
	return list(s, func(n *snapshot) ([]*Layer, error) {
		x, err := n.layerIndex()
		if err != nil {
			return nil, err
		}
		return x.all, nil
	})
}

// Containers yields the containers of all stores; otherwise as [Storage.Images].
func (s *Storage) Containers() iter.Seq2[*Container, error] {
	return list(s, func(n *snapshot) ([]*Container, error) {
		x, err := n.containerIndex()
		if err != nil {
			return nil, err
		}
		return x.all, nil
	})
}

func list[T any](s *Storage, all func(*snapshot) ([]*T, error)) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		snaps, err := s.snapshots()
		for _, snap := range snaps {
			var values []*T
			if values, err = all(snap); err != nil {
				break
			}
			for _, v := range values {
				if !yield(v, nil) {
					return
				}
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}
