package extract_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/merge"
	"github.com/cstor-go/cstor/tarsplit"
)

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// layersOf opens an image of a store that was made.
func layersOf(tb testing.TB, made *storetest.Store, image string) []*cstor.Layer {
	tb.Helper()
	s, err := cstor.Open(tb.Context(), made.Root, cstor.Options{Driver: made.Driver, ImageStore: made.ImageStore})
	check(tb, err)
	tb.Cleanup(func() { check(tb, s.Close()) })
	i, err := s.Image(image)
	check(tb, err)
	layers, err := i.Layers()
	check(tb, err)
	return layers
}

// stackOf makes a store of a spec that has an image "i", and opens that.
func stackOf(tb testing.TB, spec string) []*cstor.Layer {
	tb.Helper()
	return layersOf(tb, storetest.New(tb, spec, storetest.Options{}), "i")
}

// A file is what there is to know of a name; its text is compared.
type file struct {
	kind       fs.FileMode
	mode       uint32
	uid, gid   uint32
	time       time.Time
	size       int64
	sum        string // of the content, or a link's target
	rdev       uint64
	first      string // name of the inode
	attributes map[string]string
}

func (f file) String() string {
	size := ""
	if f.kind == 0 {
		size = fmt.Sprint(f.size)
	}
	return fmt.Sprintf("%v %04o %d:%d %s %s %s %x =%s %q", f.kind, f.mode, f.uid, f.gid, f.time.UTC().Format(time.RFC3339Nano), size, f.sum, f.rdev, f.first, pairs(f.attributes))
}

func pairs(m map[string]string) []string {
	var all []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		all = append(all, k+"="+m[k])
	}
	return all
}

// survey looks at everything below a directory, itself included.
func survey(tb testing.TB, dir string) map[string]file {
	tb.Helper()
	all, first := map[string]file{}, map[[2]uint64]string{}
	check(tb, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		err = unix.Lstat(name, &st)
		if errors.Is(err, unix.ENOENT) { // overlay lists whiteouts in directories of one layer
			return nil
		}
		if err != nil {
			return err
		}
		path, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		f := file{kind: d.Type(), mode: st.Mode & 0o7777, uid: st.Uid, gid: st.Gid, time: time.Unix(st.Mtim.Unix()), size: st.Size}
		id := [2]uint64{st.Dev, st.Ino}
		if f.first = path; st.Nlink > 1 && !d.IsDir() {
			if _, ok := first[id]; !ok {
				first[id] = path
			}
			f.first = first[id]
		}
		switch d.Type() {
		case 0:
			b, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			f.sum = fmt.Sprintf("%x", sha256.Sum256(b))
		case fs.ModeSymlink:
			if f.sum, err = os.Readlink(name); err != nil {
				return err
			}
			f.mode = 0
		case fs.ModeDevice, fs.ModeDevice | fs.ModeCharDevice:
			f.rdev = st.Rdev
		}
		f.attributes, err = attributes(name)
		all[path] = f
		return err
	}))
	return all
}

func attributes(name string) (map[string]string, error) {
	buf := make([]byte, 64<<10)
	n, err := unix.Llistxattr(name, buf)
	if err != nil || n == 0 {
		return nil, err
	}
	all := map[string]string{}
	for key := range strings.SplitSeq(strings.TrimSuffix(string(buf[:n]), "\x00"), "\x00") {
		value := make([]byte, 64<<10)
		n, err := unix.Lgetxattr(name, key, value)
		if err != nil {
			return nil, err
		}
		all[key] = string(value[:n])
	}
	return all, nil
}

// expected is what the headers and the layers' files say that a tree looks like.
func expected(tb testing.TB, tree *merge.Tree, layers []*cstor.Layer) map[string]file {
	tb.Helper()
	all := map[string]file{}
	for n := range tree.All() {
		e := n.Entry
		f := file{mode: uint32(e.Mode) & 0o7777, uid: uint32(e.UID), gid: uint32(e.GID), time: e.ModTime, first: n.Path, attributes: e.Xattrs}
		if n.Link != "" {
			f.first = n.Link
		}
		f.kind = map[byte]fs.FileMode{
			'0': 0, '2': fs.ModeSymlink, '3': fs.ModeDevice | fs.ModeCharDevice, '4': fs.ModeDevice, '5': fs.ModeDir, '6': fs.ModeNamedPipe,
		}[e.Type]
		switch e.Type {
		case '0':
			f.size = sizeOf(e)
			h := sha256.New()
			if f.size > 0 {
				in, err := layers[n.Layer].OpenFile(e.File)
				check(tb, err)
				_, err = in.WriteTo(h)
				check(tb, err)
				check(tb, in.Close())
			}
			f.sum = fmt.Sprintf("%x", h.Sum(nil))
		case '2':
			f.sum, f.mode = e.Linkname, 0
		case '3', '4':
			f.rdev = unix.Mkdev(uint32(e.Devmajor), uint32(e.Devminor))
		}
		all[n.Path] = f
	}
	return all
}

func sizeOf(e *tarsplit.Entry) int64 {
	if e.Sparse != nil {
		return e.Sparse.Size
	}
	return e.Size
}

// compare says where two trees differ.
func compare(tb testing.TB, got, want map[string]file) {
	tb.Helper()
	names := maps.Clone(want)
	maps.Copy(names, got)
	shown := 0
	for _, name := range slices.Sorted(maps.Keys(names)) {
		g, inGot := got[name]
		w, inWant := want[name]
		switch {
		case !inGot:
			tb.Errorf("%q is not there: %v", name, w)
		case !inWant:
			tb.Errorf("%q should not be there: %v", name, g)
		case g.String() != w.String():
			tb.Errorf("%q\n got %v\nwant %v", name, g, w)
		default:
			continue
		}
		if shown++; shown == 20 {
			tb.Fatal("and so on")
		}
	}
}

func needRoot(tb testing.TB) {
	tb.Helper()
	if os.Geteuid() != 0 {
		tb.Skip("needs root: owners, devices, attributes, mounts")
	}
}
