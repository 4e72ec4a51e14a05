package beneath

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A race lasts raceTime, or longer until it has demonstrably happened, but not
// beyond raceLimit.
const (
	raceTime  = 80 * time.Millisecond
	raceLimit = 5 * time.Second
)

// A race is a tree that changes while a file is opened in it. Whoever reads
// "outside" has lost it.
type race struct {
	name   string
	path   string
	scope  Scope
	change func(site, int) error        // the i-th change
	naive  func(site) (*os.File, error) // must lose the race now and then
}

var races = []race{
	{"exchange/NoLinks", "a/dir/secret", NoLinks, exchange, byPath},
	{"exchange/InRoot", "a/dir/secret", InRoot, exchange, byPath},
	{"move/InRoot", "a/dir/../../secret", InRoot, move, byParent},
}

// exchange makes a/dir a link to the outside, and a directory again.
func exchange(s site, _ int) error {
	return unix.Renameat2(unix.AT_FDCWD, s.in()+"/a/dir", unix.AT_FDCWD, s.in()+"/a/link", unix.RENAME_EXCHANGE)
}

// byPath opens what exchange changes.
func byPath(s site) (*os.File, error) { return os.Open(s.in() + "/a/dir/secret") }

// move takes a/dir out of the tree to where, two steps up, there is a secret
// too, and back.
func move(s site, i int) error {
	from, to := s.in()+"/a/dir", s.out()+"/x/dir"
	if i%2 == 1 {
		from, to = to, from
	}
	return os.Rename(from, to)
}

// byParent walks through what move moves and leaves ".." to the kernel.
func byParent(s site) (*os.File, error) {
	dir, err := os.Open(s.in() + "/a/dir")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	runtime.Gosched()
	fd, err := openat(int(dir.Fd()), "../../secret", unix.O_RDONLY|unix.O_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "secret"), nil
}

// TestRace opens files below a directory that is exchanged with a link to the
// outside, and through one that is moved out of the tree, all the time.
func TestRace(t *testing.T) {
	t.Parallel()
	for _, r := range races {
		for variant, m := range variants() {
			t.Run(r.name+"/"+variant, func(t *testing.T) {
				s := newSite(t, "file a/dir/secret inside", "file secret inside", "link a/link @/out")
				must(t, os.Mkdir(filepath.Join(s.out(), "x"), 0o755))
				r.run(t, s, openSite(t, s, r.scope, m))
			})
		}
	}
}

func (r race) run(t *testing.T, s site, d *Dir) {
	var stop atomic.Bool
	var changer sync.WaitGroup
	changer.Go(func() {
		for i := 0; !stop.Load(); i++ {
			if err := r.change(s, i); err != nil {
				t.Error(err)
				return
			}
			runtime.Gosched()
		}
	})
	defer changer.Wait()
	defer stop.Store(true)

	good, failed, lost := 0, 0, 0
	start := time.Now()
	for since := time.Duration(0); since < raceTime || (good == 0 || lost == 0) && since < raceLimit; since = time.Since(start) {
		got, err := readAll(d.File(r.path))
		switch {
		case err != nil:
			failed++
		case got != "inside":
			t.Fatalf("read %q after %d races", got, good+failed)
		default:
			good++
		}
		runtime.Gosched()
		if got, err := readAll(r.naive(s)); err == nil && got == "outside" {
			lost++
		}
		runtime.Gosched()
	}
	t.Logf("%d good, %d failed, naive lost %d", good, failed, lost)
	if good == 0 || lost == 0 {
		t.Error("the race did not happen")
	}
}

func readAll(f *os.File, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	return string(data), err
}
