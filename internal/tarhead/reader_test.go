package tarhead

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

// extension is a header of type flag with its data and padding.
func extension(tb testing.TB, flag byte, data string) []byte {
	b := block(tb, tar.Header{Name: "ext", Typeflag: tar.TypeReg, Size: int64(len(data)), Format: tar.FormatGNU}, func(b []byte) { b[156] = flag })
	b = append(b, data...)
	return append(b, make([]byte, padding(int64(len(data))))...)
}

// plain is a file of 3 bytes.
func plain(tb testing.TB, name string) []byte {
	b := block(tb, tar.Header{Name: name, Typeflag: tar.TypeReg, Size: 3, ModTime: time.Unix(1e9, 0), Uname: "root", Mode: 0o644}, nil)
	return append(append(b, "abc"...), make([]byte, BlockSize-3)...)
}

// pairs makes PAX data of keys and values.
func pairs(list ...string) string {
	var out strings.Builder
	for i := 0; i < len(list); i += 2 {
		n := len(list[i]) + len(list[i+1]) + 3
		size := n + 1
		for size != n+len(itoa(size)) {
			size = n + len(itoa(size))
		}
		out.WriteString(itoa(size) + " " + list[i] + "=" + list[i+1] + "\n")
	}
	return out.String()
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}

// tars are whole archives by name; all are read by archive/tar.
func tars(tb testing.TB) map[string][]byte {
	file, end := plain(tb, "file"), make([]byte, 2*BlockSize)
	x := func(list ...string) []byte { return extension(tb, 'x', pairs(list...)) }
	old := func(change func(b []byte)) []byte {
		b := block(tb, tar.Header{Name: "sparse", Typeflag: tar.TypeReg, Size: 3, Format: tar.FormatGNU}, func(b []byte) {
			b[156] = 'S'
			copy(b[483:], "00000000012\x00") // 10 bytes long
			copy(b[386:], "00000000002\x0000000000003\x00")
			if change != nil {
				change(b)
			}
		})
		return b
	}
	content := append([]byte("abc"), make([]byte, BlockSize-3)...)
	sized := func(flag byte, name string) []byte {
		return block(tb, tar.Header{Name: "x", Typeflag: tar.TypeReg, Size: 3}, func(b []byte) {
			b[156] = flag
			copy(b, name)
		})
	}
	big := make([]byte, BlockSize) // of a map: 21 fragments of no length
	for i := range 21 {
		copy(big[24*i:], "00000000005\x0000000000000\x00")
	}
	more := bytes.Clone(big)
	more[504] = 1
	return map[string][]byte{
		"nothing":                    {},
		"end":                        end,
		"half an end":                end[:BlockSize],
		"no end":                     slices.Concat(file, plain(tb, "other")),
		"no padding":                 file[:BlockSize+3],
		"half a padding":             file[:BlockSize+100],
		"half an end after":          slices.Concat(file, end[:BlockSize]),
		"garbage after the end":      slices.Concat(file, end, []byte("garbage"), file),
		"garbage of zeros":           slices.Concat(file, end, end, end[:77]),
		"extension and no more":      slices.Concat(file, x("path", "y")),
		"extension without padding":  x("path", "y")[:BlockSize+10],
		"extension and end":          slices.Concat(x("path", "y"), end, file),
		"empty extension":            slices.Concat(extension(tb, 'x', ""), file, extension(tb, 'L', ""), file, extension(tb, 'K', ""), file),
		"empty extension at the end": slices.Concat(file, extension(tb, 'x', "")),
		"last of several counts":     slices.Concat(x("path", "one", "uid", "7"), x("path", "two"), file),
		"last record counts":         slices.Concat(x("path", "one", "uid", "bad", "path", "two", "uid", "5"), file),
		"empty means header":         slices.Concat(x("path", "one", "uid", "bad", "path", "", "uid", "", "comment", "x", "comment", ""), file),
		"for one entry only":         slices.Concat(x("path", "one", "SCHILY.xattr.user.a", "b\x00c", "SCHILY.xattr.user.e", ""), file, file),
		"other records":              slices.Concat(x("comment", "no\x00te", "LIBARCHIVE.xattr.user.a", "Yg==", "mtime", "1.5"), file),
		"GNU name beats PAX":         slices.Concat(extension(tb, 'L', "gnu\x00junk"), x("path", "pax"), extension(tb, 'K', "link\x00"), file),
		"GNU name is empty":          slices.Concat(extension(tb, 'L', "gnu\x00"), extension(tb, 'L', "\x00"), file),
		"global":                     slices.Concat(extension(tb, 'g', pairs("path", "glob", "uid", "9", "size", "77")), file, file),
		"global voids":               slices.Concat(x("path", "one"), extension(tb, 'L', "gnu\x00"), extension(tb, 'g', pairs("comment", "c")), file),
		"size in PAX":                slices.Concat(x("size", "600"), file, content, file),
		"nanoseconds":                slices.Concat(x("mtime", "1.0000000019", "atime", "-1.5", "ctime", "-0.25"), file),
		"times far off":              slices.Concat(x("mtime", "9223372036854775807", "atime", "-9223372036854775808"), file),
		"sizes without content":      slices.Concat(sized('1', "link"), sized('2', "sym"), sized('3', "chr"), sized('4', "blk"), sized('5', "dir/"), sized('6', "fifo"), sized(0, "old/"), file),
		"old file":                   slices.Concat(sized(0, "old"), content, sized('7', "cont"), content, sized('0', "slash/"), content, sized('D', "dump"), content),
		"old directory by PAX":       slices.Concat(x("path", "dir/"), sized(0, "old"), file),
		"old directory by GNU":       slices.Concat(extension(tb, 'L', "dir/\x00"), sized(0, "old"), file),
		"sparse, GNU":                slices.Concat(old(nil), content, file),
		"sparse, GNU, extended": slices.Concat(old(func(b []byte) {
			for i := range 3 {
				copy(b[410+24*i:], "00000000005\x0000000000000\x00")
			}
			b[482] = 1
		}), more, big, content, file),
		"sparse, GNU, all hole": slices.Concat(old(func(b []byte) {
			copy(b[124:], "00000000000\x00")
			copy(b[386:], "00000000012\x0000000000000\x00")
		}), file),
		"sparse 0.0":              slices.Concat(x("GNU.sparse.size", "10", "GNU.sparse.numblocks", "2", "GNU.sparse.offset", "0", "GNU.sparse.numbytes", "1", "GNU.sparse.offset", "8", "GNU.sparse.numbytes", "2"), file, file),
		"sparse 0.1":              slices.Concat(x("GNU.sparse.size", "10", "GNU.sparse.numblocks", "2", "GNU.sparse.map", "0,1,8,2", "GNU.sparse.name", "real"), file, file),
		"sparse 0.1 by version":   slices.Concat(x("GNU.sparse.major", "0", "GNU.sparse.minor", "1", "GNU.sparse.realsize", "10", "GNU.sparse.numblocks", "1", "GNU.sparse.map", "7,3"), file, file),
		"sparse 0.1, no length":   slices.Concat(x("GNU.sparse.size", "0", "GNU.sparse.numblocks", "1", "GNU.sparse.map", "0,0"), file, file),
		"sparse 1.0":              slices.Concat(x("size", "515", "GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.realsize", "10", "GNU.sparse.name", "real"), file[:BlockSize], []byte("1\n4\n3\n"), make([]byte, BlockSize-6), content, file),
		"sparse, unknown":         slices.Concat(x("GNU.sparse.major", "2", "GNU.sparse.minor", "0", "GNU.sparse.realsize", "10"), file, file),
		"sparse, lone name":       slices.Concat(x("GNU.sparse.name", "n", "GNU.sparse.size", "x"), file),
		"PAX records of sparse S": slices.Concat(x("GNU.sparse.name", "n", "uid", "5", "GNU.sparse.map", "x"), old(nil), content),
		"length with zeros":       slices.Concat(extension(tb, 'x', "00000000000000000000000000000040 path=y\n"), file),
		"size up to 1 MiB":        slices.Concat(x("comment", strings.Repeat("c", 1<<20-18)), file),
	}
}

func TestTars(t *testing.T) {
	t.Parallel()
	for name, data := range tars(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compare(t, data, true)
		})
	}
}

func TestBrokenTars(t *testing.T) {
	t.Parallel()
	all := tars(t)
	file := plain(t, "file")
	x := func(list ...string) []byte { return slices.Concat(extension(t, 'x', pairs(list...)), file) }
	raw := func(data string) []byte { return slices.Concat(extension(t, 'x', data), file) }
	field := func(at int, value string) []byte {
		return block(t, tar.Header{Name: "x", Typeflag: tar.TypeReg}, func(b []byte) { copy(b[at:], value) })
	}
	zeros := make([]byte, BlockSize)
	for name, test := range map[string]struct {
		data []byte
		want error
	}{
		"half a header":            {data: file[:100], want: io.ErrUnexpectedEOF},
		"half a content":           {data: file[:BlockSize+1], want: io.ErrUnexpectedEOF},
		"half an extension":        {data: extension(t, 'x', pairs("path", "long"))[:BlockSize+5], want: io.ErrUnexpectedEOF},
		"half an end":              {data: slices.Concat(file, zeros, zeros[:5]), want: io.ErrUnexpectedEOF},
		"no map":                   {data: all["sparse, GNU, extended"][:BlockSize], want: io.ErrUnexpectedEOF},
		"zeros in the middle":      {data: slices.Concat(file, zeros, file)},
		"wrong sum":                {data: append([]byte("y"), file[1:]...)},
		"no header":                {data: bytes.Repeat([]byte("text"), 128)},
		"mode":                     {data: field(100, "8")},
		"size of 2^63":             {data: field(124, "\x80\x00\x00\x00\x80")},
		"time of 2^63":             {data: field(136, "\x80\x00\x00\x00\x80")},
		"negative size":            {data: field(124, strings.Repeat("\xff", 12))},
		"size up to the end":       {data: field(124, "\x80\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff")},
		"PAX size":                 {data: x("size", "-1")},
		"PAX uid":                  {data: x("uid", "1.5")},
		"PAX time":                 {data: x("mtime", "1.5e3")},
		"PAX time without seconds": {data: x("mtime", ".5")},
		"NUL in a path":            {data: x("path", "a\x00b")},
		"NUL in a key":             {data: x("a\x00b", "c")},
		"no key":                   {data: raw("6 =ab\n")},
		"no equals sign":           {data: raw("6 abc\n")},
		"no line feed":             {data: raw("6 a=bc")},
		"no length":                {data: raw("a=b\n")},
		"nothing but a length":     {data: raw("2 ")},
		"length 0":                 {data: raw("0 a=b\n")},
		"negative length":          {data: raw("-6 a=b\n")},
		"length beyond the data":   {data: raw("99 a=b\n")},
		"length within the length": {data: raw("000000005 a=b\n")},
		"huge length":              {data: raw("9999999999999999999 a=b\n")},
		"two in one":               {data: raw("14 a=b\n6 c=d\n")[:BlockSize+13]},
		"long extension":           {data: extension(t, 'x', strings.Repeat("x", 1<<20+1)), want: ErrTooLong},
		"long name":                {data: extension(t, 'L', strings.Repeat("x", 1<<20+1)), want: ErrTooLong},
		"long global":              {data: extension(t, 'g', strings.Repeat("x", 1<<20+1)), want: ErrTooLong},
		"sparse out of order":      {data: x("GNU.sparse.numbytes", "1")},
		"sparse comma":             {data: x("GNU.sparse.offset", "1,2")},
		"sparse odd":               {data: x("GNU.sparse.numblocks", "1", "GNU.sparse.offset", "1")},
		"sparse count":             {data: x("GNU.sparse.numblocks", "2", "GNU.sparse.map", "0,3")},
		"sparse no count":          {data: x("GNU.sparse.map", "0,3")},
		"sparse beyond":            {data: x("GNU.sparse.numblocks", "1", "GNU.sparse.map", "0,3", "GNU.sparse.size", "2")},
		"sparse overlap":           {data: x("GNU.sparse.numblocks", "2", "GNU.sparse.map", "0,2,1,1", "GNU.sparse.size", "9")},
		"sparse overflow":          {data: x("GNU.sparse.numblocks", "1", "GNU.sparse.map", "9223372036854775807,3", "GNU.sparse.size", "9")},
		"sparse sum":               {data: x("GNU.sparse.numblocks", "1", "GNU.sparse.map", "0,2", "GNU.sparse.size", "9")},
		"sparse size":              {data: x("GNU.sparse.numblocks", "1", "GNU.sparse.map", "0,3", "GNU.sparse.size", "-9")},
		"sparse 1.0 size":          {data: x("GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.size", "-9")},
		"sparse size is text":      {data: x("GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.size", "ten")},
		"sparse link":              {data: slices.Concat(extension(t, 'x', pairs("GNU.sparse.numblocks", "0", "GNU.sparse.major", "0", "GNU.sparse.minor", "0")), block(t, tar.Header{Name: "l", Typeflag: tar.TypeSymlink}, nil))},
		"sparse in ustar":          {data: block(t, tar.Header{Name: "s", Typeflag: tar.TypeReg, Format: tar.FormatUSTAR}, func(b []byte) { b[156] = 'S' })},
		"endless sparse map":       {data: slices.Concat(all["sparse, GNU, extended"][:BlockSize], bytes.Repeat(all["sparse, GNU, extended"][BlockSize:2*BlockSize], 2048)), want: ErrTooLong},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, chunk := range []int{1 << 21, 100} {
				list, err := read(test.data, chunk)
				if err == nil || (test.want != nil && !errors.Is(err, test.want)) {
					t.Errorf("in pieces of %d bytes: %v, want %v; %d entries", chunk, err, test.want, len(list))
				}
			}
			if _, err := peer(test.data); err == nil {
				t.Error("archive/tar reads it")
			}
		})
	}
}

func TestOffsets(t *testing.T) {
	t.Parallel()
	x := extension(t, 'x', pairs("path", "y"))
	data := slices.Concat(x, plain(t, "a"), extension(t, 'g', pairs("comment", "c")), plain(t, "b"), extension(t, 'L', strings.Repeat("l", 1000)), x, plain(t, "c"))
	list, err := read(data, 1000)
	if err != nil || len(list) != 3 {
		t.Fatal(len(list), err)
	}
	for i, want := range [][2]int64{{0, 3}, {6, 7}, {8, 14}} {
		if h := list[i]; h.Offset != want[0]*BlockSize || h.Content != want[1]*BlockSize {
			t.Errorf("%q: header at %d, content at %d, want block %d and %d", h.Name, h.Offset, h.Content, want[0], want[1])
		}
	}
	var r Reader
	rest, _, err := r.Next(data[:4*BlockSize+3])
	if err != nil || len(rest) != BlockSize+3 {
		t.Fatal(len(rest), err)
	}
	r.SkipContent()
	if r.Pos() != 3*BlockSize+3 {
		t.Errorf("%d bytes", r.Pos())
	}
	if _, _, err := r.Next(make([]byte, BlockSize-3)); err != nil {
		t.Error(err)
	}
	if _, _, err := r.Next([]byte("abc")); err != nil {
		t.Error(err)
	}
	if _, _, err := r.Next([]byte(strings.Repeat("x", BlockSize))); err == nil || r.Offset() != 4*BlockSize {
		t.Errorf("%v at %d", err, r.Offset())
	}
}

func TestSparseMaps(t *testing.T) {
	t.Parallel()
	all := tars(t)
	for name, want := range map[string]Sparse{
		"sparse, GNU":           {"gnu", 10, [][2]int64{{2, 3}}},
		"sparse 0.0":            {"0.0", 10, [][2]int64{{0, 1}, {8, 2}}},
		"sparse 0.1":            {"0.1", 10, [][2]int64{{0, 1}, {8, 2}}},
		"sparse 0.1 by version": {"0.1", 10, [][2]int64{{7, 3}}},
		"sparse 1.0":            {"1.0", 10, nil},
	} {
		list, err := read(all[name], 1<<20)
		if err != nil || list[0].Sparse == nil || list[0].Sparse.Format != want.Format || list[0].Sparse.Size != want.Size || !slices.Equal(list[0].Sparse.Map, want.Map) {
			t.Errorf("%s: %+v, %v", name, list[0].Sparse, err)
		}
	}
	if list, _ := read(all["sparse, GNU, extended"], 1<<20); len(list[0].Sparse.Map) != 4+21+21 || list[0].Size != 3 {
		t.Errorf("%+v", list[0].Sparse)
	}
	if list, _ := read(all["sparse, unknown"], 1<<20); list[0].Sparse != nil || list[0].PAX["GNU.sparse.major"] != "2" {
		t.Errorf("%+v", list[0])
	}
}
