package tarsplit

import (
	"archive/tar"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestLost: what unpacking dropped is an error that says so, and what lies before it is
// there.
func TestLost(t *testing.T) {
	t.Parallel()
	first, firstContent, firstPadding := pieces(t, tar.Header{Name: "first", Typeflag: tar.TypeReg}, 3000)
	mark, markContent, _ := pieces(t, tar.Header{Name: "d/.wh.x", Typeflag: tar.TypeReg}, 5)
	opaque, opaqueContent, _ := pieces(t, tar.Header{Name: "d/.wh..wh..opq", Typeflag: tar.TypeReg}, kernelPiece)
	h := holey{"1.0", 9000, [][2]int64{{512, 4}, {8000, 6}}}
	large := holey{"1.0", 3 << 20, [][2]int64{{512, 1 << 20}}}
	for name, test := range map[string]struct {
		header, name, content, disk string
		data                        int // bytes in the tar
	}{
		"whiteout with content":     {mark, "d/.wh.x", markContent, "", 5},
		"opaque mark with content":  {opaque, "d/.wh..wh..opq", opaqueContent, "", kernelPiece},
		"sparse 1.0":                {h.header(t, "s"), "s", h.content(), h.content(), len(h.data())},
		"sparse 1.0, large":         {large.header(t, "s"), "s", large.content(), large.content(), len(large.data())},
		"sparse 1.0, not even that": {h.header(t, "s"), "s", h.content(), "", len(h.data())},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := first + firstContent + firstPadding + test.header
			after := strings.Repeat("\x00", -test.data&511) + first
			size := int64(len(before) + test.data + len(after) + len(firstContent))
			recipe := zip(t, segment(first), file("first", firstContent), segment(firstPadding+test.header), file(test.name, test.content), segment(after), file("first", firstContent))
			files := folder(t, map[string]string{"first": firstContent})
			if test.disk != "" {
				write(test.disk)(t, filepath.Join(string(files), test.name))
			}
			opts := Options{SizeKnown: true, Size: size}
			isLost := func(err error) bool {
				entry := (*EntryError)(nil)
				return errors.Is(err, ErrLost) && errors.As(err, &entry) && entry.Name == test.name && !errors.Is(err, ErrMissing)
			}
			for kind, opener := range map[string]Opener{"dir": files, "quick": quick{files}} {
				everyWayOf(func() *Reader { return open(t, recipe, opener, opts) }, func(way, tar string, err error) {
					if !isLost(err) || tar != before {
						t.Errorf("%s, %s: %d bytes of %d, %v", kind, way, len(tar), len(before), err)
					}
				})
			}
			r := openAt(t, recipe, files, opts)
			got := make([]byte, size)
			if n, err := r.ReadAt(got, 0); n != len(before) || string(got[:n]) != before || !isLost(err) {
				t.Errorf("ReadAt: %d bytes, %v", n, err)
			}
			if n, err := r.ReadAt(got[:1], int64(len(before)+test.data-1)); n != 0 || !isLost(err) {
				t.Errorf("ReadAt, last byte: %d bytes, %v", n, err)
			}
			rest := after + firstContent
			if n, err := r.ReadAt(got[:len(rest)], size-int64(len(rest))); err != nil || string(got[:n]) != rest {
				t.Errorf("ReadAt, behind: %d bytes, %v", n, err)
			}
			checkSparseFiles(t, r, recipe, before+strings.Repeat("x", test.data)+after)
		})
	}
}

// TestWhiteoutFiles: where they are kept, their content is, too; and what only sounds
// like one is none.
func TestWhiteoutFiles(t *testing.T) {
	t.Parallel()
	for _, name := range []string{".wh.x", "d/.wh.x"} {
		recipe := zip(t, segment("ab"), file(name, "content"), segment("cd"))
		sources(t, name, "abcontentcd", func() *Reader {
			return open(t, recipe, folder(t, map[string]string{name: "content"}), Options{CheckCRC: true})
		})
		_, err := open(t, recipe, failing{errors.New("broken")}, Options{}).WriteTo(new(strings.Builder))
		if err == nil || errors.Is(err, ErrLost) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{".whx", "x.wh.y", ".wh.d/x"} {
		_, err := open(t, zip(t, file(name, "content")), folder(t, nil), Options{}).WriteTo(new(strings.Builder))
		if !errors.Is(err, ErrMissing) || errors.Is(err, ErrLost) {
			t.Error(name, err, fmt.Sprintf("%T", err))
		}
	}
}
