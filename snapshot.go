package cstor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/beneath"
)

// snapshot is what the lists of all places said at one moment, and what was made of
// them since. It is immutable but for what it parses on first use.
type snapshot struct {
	places []*place
	files  []*listFile // in the order of listFiles
	size   int         // bytes in all lists
	trees  *trees      // the storage's
	parsed
}

// index is where a place is among those of the snapshot, as [driver.Place] counts.
func (s *snapshot) index(p *place) int { return slices.Index(s.places, p) }

// roots are the directories of the places, in their order.
func (s *snapshot) roots() []*beneath.Dir {
	all := make([]*beneath.Dir, len(s.places))
	for n, p := range s.places {
		all[n] = p.root
	}
	return all
}

// listFile is one list of one place, or a lock file beside lists, as it was read.
type listFile struct {
	place *place
	dir   *beneath.Dir // place.root or place.run
	name  string
	lock  bool
	id    identity
	data  []byte
}

// identity changes whenever a writer replaces or appends to a file.
type identity struct {
	dev, ino     uint64
	size         int64
	mtime, ctime unix.Timespec
}

// Lists are parsed on first use, but read at once, so that they belong together.
// These are the sizes in bytes that one may have, all of a configuration, and those of
// all users of a mounted system; a list of 5,000 layers has 3 MB.
const (
	maxList     = 64 << 20
	maxLists    = 128 << 20
	maxAllLists = 512 << 20
)

// roomFor is how many bytes the lists of a configuration may have beside those of
// others; old is its present snapshot, which will go.
func roomFor(all []*snapshot, old *snapshot) int {
	room := maxAllLists
	for _, s := range all {
		if s != old {
			room -= s.size
		}
	}
	return min(room, maxLists)
}

// listFiles names what there may be to read; a file that is not there is an empty
// list, and a missing lock file one that was never written.
func listFiles(places []*place) []*listFile {
	var all []*listFile
	add := func(p *place, dir *beneath.Dir, lock bool, names ...string) {
		for _, n := range names {
			all = append(all, &listFile{place: p, dir: dir, name: p.driver + "-" + n, lock: lock})
		}
	}
	for _, p := range places {
		volatile := p.root
		run := p.run.Load()
		if run != nil {
			volatile = run
		}
		// Images before layers or the other way, either order alone can tear:
		// takeSnapshot looks a second time.
		add(p, p.root, true, "images/images.lock", "layers/layers.lock")
		add(p, p.root, false, "images/images.json", "layers/layers.json", "containers/containers.json")
		if p.transient && run == nil {
			continue // what is in the root is from before
		}
		add(p, volatile, true, "containers/containers.lock")
		add(p, volatile, false, "layers/volatile-layers.json", "containers/volatile-containers.json")
	}
	return all
}

// takeSnapshot reads all lists of all places so that they belong together: each
// file is replaced as a whole, but the set is not, so it is read again when any
// file or last-writer token has changed meanwhile. (The token is written before the
// list, so neither would do alone.) All lists together may have room bytes.
func takeSnapshot(ctx context.Context, places []*place, open *trees, room int) (*snapshot, error) {
	wait := time.Millisecond
	for {
		s := &snapshot{places: places, files: listFiles(places), trees: open}
		for _, f := range s.files {
			if err := context.Cause(ctx); err != nil {
				return nil, err
			}
			if err := f.read(room - s.size); err != nil {
				return nil, f.place.fail(f.name, err)
			}
			if !f.lock {
				s.size += len(f.data)
			}
		}
		same, err := s.unchanged()
		if err != nil || same {
			return s, err
		}
		if wait > 256*time.Millisecond {
			return nil, &StoreError{Store: places[0].path, Err: ErrBusy}
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(wait):
		}
		wait *= 2
	}
}

// unchanged reports whether all files are still those that were read, and no others
// have come with a run root.
func (s *snapshot) unchanged() (bool, error) {
	if len(listFiles(s.places)) != len(s.files) {
		return false, nil
	}
	for _, f := range s.files {
		now := &listFile{place: f.place, dir: f.dir, name: f.name, lock: f.lock}
		if f.lock { // tiny, and what it says counts
			if err := now.read(0); err != nil {
				return false, f.place.fail(f.name, err)
			}
			if string(now.data) != string(f.data) {
				return false, nil
			}
			continue
		}
		st, err := f.dir.Lstat(f.name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return false, f.place.fail(f.name, err)
		default:
			now.id = identityOf(&st)
		}
		if now.id != f.id {
			return false, nil
		}
	}
	return true, nil
}

// read takes the file's present content; a file that is not there has none. A list must
// have room bytes at most.
func (f *listFile) read(room int) error {
	if f.lock {
		var err error
		f.data, err = f.place.tokens.read(f.dir, f.name)
		return err
	}
	file, err := f.dir.File(f.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &st); err != nil {
		return err
	}
	if st.Size > maxList {
		return fmt.Errorf("%d bytes, over the limit of %d", st.Size, maxList)
	}
	if st.Size > int64(room) {
		return fmt.Errorf("%d bytes, when the lists before it leave no more than %d", st.Size, room)
	}
	// The file was replaced as a whole: its size is its length.
	f.id, f.data = identityOf(&st), make([]byte, st.Size)
	_, err = io.ReadFull(file, f.data)
	return err
}

func identityOf(st *unix.Stat_t) identity {
	return identity{st.Dev, st.Ino, st.Size, st.Mtim, st.Ctim}
}
