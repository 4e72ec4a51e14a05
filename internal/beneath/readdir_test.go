package beneath

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestReadDir(t *testing.T) {
	t.Parallel()
	specs := []string{"file d/f x", "dir d/d", "link d/l f", "fifo d/p", "sock d/s", "whiteout d/w", "file d/\xff x", "dir many", "link m d"}
	want := map[string]fs.FileMode{
		"f": 0, "d": fs.ModeDir, "l": fs.ModeSymlink, "p": fs.ModeNamedPipe, "s": fs.ModeSocket,
		"w": fs.ModeDevice | fs.ModeCharDevice, "\xff": 0,
	}
	const many = 2000 // more than one buffer holds
	for i := range many {
		specs = append(specs, "file many/"+strings.Repeat("n", 30)+name("", i))
	}
	s := newSite(t, specs...)
	for variant, m := range variants() {
		d := openSite(t, s, InRoot, m)
		seq := d.ReadDir("d")
		for range 2 { // starts afresh
			got := map[string]fs.FileMode{}
			for entry, err := range seq {
				must(t, err)
				got[entry.Name] = entry.Type
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: -want +got:\n%s", variant, diff)
			}
		}
		seen := map[string]bool{}
		for entry, err := range d.ReadDir("/many") {
			must(t, err)
			seen[entry.Name] = true
		}
		if len(seen) != many {
			t.Errorf("%s: %d names, want %d", variant, len(seen), many)
		}
		for range d.ReadDir("many") {
			break
		}
		for name, want := range map[string]error{"m": unix.ENOTDIR, "d/f": unix.ENOTDIR, "d/p": unix.ENOTDIR, "gone": fs.ErrNotExist} {
			steps := 0
			for entry, err := range d.ReadDir(name) {
				if steps++; !errors.Is(err, want) || entry != (DirEntry{}) || steps > 1 {
					t.Errorf("%s: ReadDir(%q): step %d gives %v, %v, want error %v", variant, name, steps, entry, err, want)
				}
			}
			if steps == 0 {
				t.Errorf("%s: ReadDir(%q): no error", variant, name)
			}
		}
	}
}

// dirent builds one struct linux_dirent64.
func dirent(kind byte, name string) []byte {
	b := make([]byte, 19, 19+len(name)+1)
	binary.NativeEndian.PutUint16(b[16:], uint16(cap(b)))
	b[18] = kind
	return append(append(b, name...), 0)
}

// TestParseDirents covers file systems that give no types, or garbage.
func TestParseDirents(t *testing.T) {
	t.Parallel()
	s := newSite(t, "dir d", "link l d")
	dir, err := os.Open(s.in())
	must(t, err)
	defer dir.Close()
	var got []DirEntry
	unknown := bytes.Join([][]byte{
		dirent(unix.DT_UNKNOWN, "."), dirent(unix.DT_UNKNOWN, "d"), dirent(unix.DT_UNKNOWN, "gone"), dirent(unix.DT_UNKNOWN, "l"),
	}, nil)
	for entry, err := range parseDirents(int(dir.Fd()), unknown) {
		must(t, err)
		got = append(got, entry)
	}
	if diff := cmp.Diff([]DirEntry{{"d", fs.ModeDir}, {"l", fs.ModeSymlink}}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}

	zero := dirent(unix.DT_REG, "a")
	binary.NativeEndian.PutUint16(zero[16:], 0)
	long := dirent(unix.DT_REG, "a")
	binary.NativeEndian.PutUint16(long[16:], 1000)
	for what, buf := range map[string][]byte{
		"short": make([]byte, 10), "length 0": zero, "length beyond the buffer": long,
		"slash": dirent(unix.DT_REG, "../x"), "empty": dirent(unix.DT_REG, ""),
	} {
		steps := 0
		for _, err := range parseDirents(int(dir.Fd()), buf) {
			if steps++; !errors.Is(err, unix.EIO) {
				t.Errorf("%s: got error %v, want EIO", what, err)
			}
		}
		if steps != 1 {
			t.Errorf("%s: %d steps, want 1", what, steps)
		}
	}
}
