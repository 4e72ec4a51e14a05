package oracle

import (
	"archive/tar"
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var formats = []tar.Format{tar.FormatUSTAR, tar.FormatPAX, tar.FormatGNU}

// written is a tar of one format with entries of every kind, the first of 7 bytes.
func written(tb testing.TB, format tar.Format) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	entries := []tar.Header{
		{Name: "f", Typeflag: tar.TypeReg, Size: 7, Mode: 0o644},
		{Name: "empty", Typeflag: tar.TypeReg},
		{Name: "d/", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "d/block", Typeflag: tar.TypeReg, Size: 512},
		{Name: "soft", Linkname: "f", Typeflag: tar.TypeSymlink},
		{Name: "hard", Linkname: "f", Typeflag: tar.TypeLink},
		{Name: "null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3},
		{Name: "fifo", Typeflag: tar.TypeFifo},
		{Name: "d/.wh.gone", Typeflag: tar.TypeReg},
		{Name: "/absolute", Typeflag: tar.TypeReg, Size: 1},
		{Name: "d/../../up", Typeflag: tar.TypeReg, Size: 513},
	}
	if format != tar.FormatUSTAR {
		entries = append(entries,
			tar.Header{Name: strings.Repeat("long/", 30) + "name", Typeflag: tar.TypeReg, Size: 3},
			tar.Header{Name: "link", Linkname: strings.Repeat("long/", 30), Typeflag: tar.TypeSymlink})
	}
	switch format {
	case tar.FormatPAX:
		entries = append(entries,
			tar.Header{Name: "xattr", Typeflag: tar.TypeReg, Size: 2, PAXRecords: map[string]string{"SCHILY.xattr.user.k": "\x00\xff"}},
			tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "hello", "mtime": "1500000000", "uid": "7", "path": "g"}},
			tar.Header{Name: "after", Typeflag: tar.TypeReg, Size: 2})
	case tar.FormatGNU:
		entries = append(entries, tar.Header{Name: "latin1-\xe9", Typeflag: tar.TypeReg, Size: 2})
	}
	for _, h := range entries {
		if h.Typeflag != tar.TypeXGlobalHeader {
			h.Format = format
		}
		if err := w.WriteHeader(&h); err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write(bytes.Repeat([]byte{'x'}, int(h.Size))); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// gnu is a tar of testdata.
func gnu(tb testing.TB, name string) []byte {
	tb.Helper()
	p, err := os.ReadFile(filepath.Join("testdata", name+".tar"))
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// entry is a header with a size as it is stated, and no content.
func entry(name string, flag byte, size int64) []byte {
	h := make([]byte, 512)
	copy(h, name)
	copy(h[100:], "0000644\x000000000\x000000000\x00")
	if size >= 0 {
		copy(h[124:], fmt.Sprintf("%011o\x00", size))
	} else { // base 256, two's complement
		for i := range 12 {
			h[135-i] = byte(size >> min(8*i, 63))
		}
	}
	copy(h[136:], "00000000000\x00")
	h[156] = flag
	repair(h)
	return h
}

// repair gives every header of a tar the checksum that it should have, since a
// fuzzer does not hit on it. It knows no PAX.
func repair(in []byte) {
	for len(in) >= 512 && !bytes.Equal(in[:512], make([]byte, 512)) {
		h := in[:512]
		copy(h[148:156], "        ")
		sum := 0
		for _, c := range h {
			sum += int(c)
		}
		copy(h[148:156], fmt.Sprintf("%06o\x00 ", sum))
		in = in[512:]
		if flag := h[156]; flag >= '1' && flag <= '6' {
			continue
		}
		size, err := strconv.ParseUint(strings.Trim(string(h[124:136]), " \x00"), 8, 32)
		if size = (size + 511) &^ 511; err == nil {
			in = in[min(int(size), len(in)):]
		}
	}
}

// seeds are tars, by what is odd about them.
func seeds(tb testing.TB) map[string][]byte {
	end := make([]byte, 1024)
	whole := written(tb, tar.FormatUSTAR)
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	content := join([]byte("abc"), end[3:512])
	odd := entry("l", '1', 3)
	odd[155] = '7' // behind the NUL that ends the checksum
	all := map[string][]byte{
		"odd checksum":          join(odd, entry("f", '0', 3), content, end),
		"nothing":               nil,
		"end only":              end,
		"half an end":           end[:512],
		"much end":              make([]byte, 10240),
		"no end":                whole[:1024],
		"no padding":            whole[:512+7],
		"broken padding":        whole[:512+7+100],
		"broken end":            whole[:len(whole)-700],
		"garbage behind":        join(whole, []byte("garbage")),
		"a tar behind":          join(whole, whole),
		"padding of letters":    join(entry("f", '0', 3), []byte("abc"), bytes.Repeat([]byte("p"), 509), end),
		"a header as padding":   join(entry("f", '0', 3), []byte("abc"), entry("link", '1', 9)[:509], entry("g", '0', 0), end),
		"a header as content":   join(entry("f", '0', 512), entry("link", '1', 9), entry("g", '0', 3), content, end),
		"hard link with size":   join(entry("l", '1', 3), entry("f", '0', 3), content, end),
		"link with size":        join(entry("l", '2', 3), entry("f", '0', 3), content, end),
		"devices with size":     join(entry("c", '3', 3), entry("b", '4', 3), entry("p", '6', 3), end),
		"directory with size":   join(entry("d/", '5', 1<<40), entry("f", '0', 3), content, end),
		"old directory":         join(entry("d/", 0, 3), entry("f", 0, 3), content, end),
		"file with a slash":     join(entry("f/", '0', 3), content, end),
		"contiguous":            join(entry("f", '7', 3), content, end),
		"unknown type":          join(entry("f", 'Z', 3), content, end),
		"long name of link":     join(entry("L", 'L', 3), content, entry("l", '1', 9), entry("f", '0', 3), content, end),
		"long name of old dir":  join(entry("L", 'L', 4), []byte("abc/"), end[:508], entry("x", 0, 9), entry("f", '0', 3), content, end),
		"two long names":        join(entry("L", 'L', 3), content, entry("L", 'L', 3), content, entry("f", '0', 3), content, end),
		"PAX size of a link":    join(entry("x", 'x', 9), []byte("9 size=5\n"), end[:503], entry("l", '1', 0), entry("f", '0', 3), content, end),
		"PAX size of a file":    join(entry("x", 'x', 9), []byte("9 size=3\n"), end[:503], entry("f", '0', 0), content, end),
		"broken PAX padding":    join(entry("x", 'x', 9), []byte("9 size=3\n"), end[:100]),
		"extension at the end":  join(entry("L", 'L', 3), content, end),
		"negative size":         join(entry("l", '1', -3), end),
		"same name twice":       join(entry("f", '0', 3), content, entry("./f", '0', 3), content, end),
		"name not UTF-8":        join(entry("\xff\xfe", '0', 3), content, end),
		"name for JSON":         join(entry("\"\\\n\u2028<&>", '0', 3), content, end),
		"no name":               join(entry("", '0', 3), content, end),
		"zero block, then more": join(end[:512], whole),
	}
	maps.Copy(all, sparseSeeds())
	for _, format := range formats {
		all[format.String()] = written(tb, format)
	}
	paths, err := filepath.Glob("testdata/*.tar")
	if err != nil || len(paths) == 0 {
		tb.Fatal("no tars in testdata", err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".tar")
		all[name] = gnu(tb, name)
	}
	return all
}
