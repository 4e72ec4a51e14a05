package driver_test

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/internal/storetest"
)

// shapes are the forms in which one layer may lie on disk.
var shapes = []struct {
	name string
	opts storetest.Options
}{
	{"overlay", storetest.Options{}},
	{"vfs", storetest.Options{Driver: "vfs"}},
	{"flat", storetest.Options{Flat: true}},
}

// chain is a chain of n links to real, "l1" the first.
func chain(n int) string {
	var b strings.Builder
	b.WriteString("symlink l1 real\n")
	for i := 2; i <= n; i++ {
		fmt.Fprintf(&b, "symlink l%d l%d\n", i, i-1)
	}
	return b.String()
}

const namesSpec = `
layer a
  dir     d
  file    d/f "content"
  dir     real
  file    real/f "content"
  dir     deep
  symlink deep/back ../real
  symlink deep/abs /real
  symlink rel real
  symlink abs /real
  symlink up ../../../real
  symlink slash real/
  symlink loop loop
  symlink ping pong
  symlink pong ping
  symlink out ../../../../../../etc
  symlink dangling nowhere
  symlink file real/f
  dir     x
  dir     x/y
  dir     x/d2
  file    x/d2/f "content"
  symlink y x/y
  symlink dots y/../d2
  fifo    pipe
`

// What a name leads to: a regular file "content", the root, or an error.
const (
	isFile = "file"
	isRoot = "root"
)

var names = []struct {
	name string
	want any
}{
	{"", isRoot},
	{".", isRoot},
	{"/", isRoot},
	{"./", isRoot},
	{"//", isRoot},
	{"..", isRoot},
	{"../../", isRoot},
	{"/..", isRoot},
	{"d/..", isRoot},
	{"nothing/..", isRoot},
	{"d/f", isFile},
	{"./d/f", isFile},
	{"/d/f", isFile},
	{"d//f", isFile},
	{"d/f/", isFile},
	{"d/./f", isFile},
	{"nothing/../d/f", isFile},
	{"../d/f", isFile},
	{"d/f/../f", isFile},
	{"rel/../d/f", isFile},
	{strings.Repeat("./", 2500) + "d/f", isFile},

	{"nothing", fs.ErrNotExist},
	{"nothing/f", fs.ErrNotExist},
	{"d/nothing", fs.ErrNotExist},
	{"d/f2", fs.ErrNotExist},
	{"...", fs.ErrNotExist},
	{"d/caf\xe9", fs.ErrNotExist},
	{"etc/passwd", fs.ErrNotExist},
	{"d/f/x", syscall.ENOTDIR},
	{"d/f/x/y", syscall.ENOTDIR},
	{"pipe/x", syscall.ENOTDIR},
	{"d/f\x00", fs.ErrInvalid},
	{"\x00", fs.ErrInvalid},
	{"d\x00/../d/f", fs.ErrInvalid},
	{strings.Repeat("x", 5000), syscall.ENAMETOOLONG},
	{strings.Repeat("x/", 2500), syscall.ENAMETOOLONG},
	{strings.Repeat("x/", 2047) + "x", fs.ErrNotExist}, // 4095 bytes

	{"rel/f", isFile},
	{"abs/f", isFile},
	{"up/f", isFile},
	{"slash/f", isFile},
	{"deep/back/f", isFile},
	{"deep/abs/f", isFile},
	{"dots/f", isFile}, // x/y/../d2, not d2
	{"l40/f", isFile},
	{"l41/f", syscall.ELOOP},
	{"loop/f", syscall.ELOOP},
	{"ping/f", syscall.ELOOP},
	{"loop/../d/f", isFile},
	{"out/passwd", fs.ErrNotExist},
	{"dangling/f", fs.ErrNotExist},
	{"file/x", syscall.ENOTDIR},
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, shape := range shapes {
		t.Run(shape.name, func(t *testing.T) {
			t.Parallel()
			s := storetest.New(t, namesSpec+chain(41), shape.opts)
			l := open(t, s.Layer("a"), driver.OverlayOptions{})
			for _, c := range names {
				checkName(t, l, c.name, c.want)
			}
		})
	}
}

func checkName(t *testing.T, l layer, name string, want any) {
	t.Helper()
	content, errOpen := readFile(l, name)
	node, errStat := l.Lstat(name)
	list, errList := l.ReadDir(name)
	switch want := want.(type) {
	case error:
		for call, err := range map[string]error{"OpenFile": errOpen, "Lstat": errStat, "ReadDir": errList} {
			var pathError *fs.PathError
			if !errors.Is(err, want) || !errors.As(err, &pathError) {
				t.Errorf("%s(%.40q): %v, want a path error matching %v", call, name, err, want)
			}
		}
		return
	case string:
		if errStat != nil {
			t.Errorf("Lstat(%.40q): %v", name, errStat)
			return
		}
		if want == isFile {
			if errOpen != nil || content != "content" || !node.Mode.IsRegular() || !errors.Is(errList, syscall.ENOTDIR) {
				t.Errorf("%.40q: file %q, %v; mode %v; list %v", name, content, errOpen, node.Mode, errList)
			}
			return
		}
		first := driver.DirEntry{Name: "abs", Type: fs.ModeSymlink}
		if !errors.Is(errOpen, beneath.ErrNotRegular) || !node.Mode.IsDir() || errList != nil || !slices.Contains(list, first) {
			t.Errorf("%.40q: open %v; mode %v; list %v, %v", name, errOpen, node.Mode, list, errList)
		}
	}
}

func TestLastLink(t *testing.T) {
	t.Parallel()
	for _, shape := range shapes {
		t.Run(shape.name, func(t *testing.T) {
			t.Parallel()
			s := storetest.New(t, namesSpec, shape.opts)
			l := open(t, s.Layer("a"), driver.OverlayOptions{})
			for name, target := range map[string]string{
				"rel": "real", "rel/": "real", "./abs": "/real", "loop": "loop", "dangling": "nowhere", "rel/../file": "real/f", "deep/back": "../real",
			} {
				n, err := l.Lstat(name)
				if err != nil || n.Link != target || n.Mode.Type() != fs.ModeSymlink || n.Size != int64(len(target)) {
					t.Errorf("Lstat(%q): %+v, %v; want a link to %q", name, n, err, target)
				}
				if f, err := l.OpenFile(name); !errors.Is(err, beneath.ErrNotRegular) {
					t.Errorf("OpenFile(%q): %v, %v", name, f, err)
				}
				if list, err := l.ReadDir(name); !errors.Is(err, syscall.ENOTDIR) {
					t.Errorf("ReadDir(%q): %v, %v", name, list, err)
				}
			}
		})
	}
}

func TestBytesInNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"overlay", "vfs"} { // a table of contents is UTF-8
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.New(t, `
layer a
  dir  "\xff"
  file "\xff/caf\xe9\n" "content"`, storetest.Options{Driver: name})
			l := open(t, s.Layer("a"), driver.OverlayOptions{})
			if got, err := readFile(l, "./\xff/caf\xe9\n"); err != nil || got != "content" {
				t.Errorf("%q, %v", got, err)
			}
			if list, err := l.ReadDir("\xff"); err != nil || !slices.Equal(list, []driver.DirEntry{{Name: "caf\xe9\n"}}) {
				t.Errorf("%v, %v", list, err)
			}
		})
	}
}
