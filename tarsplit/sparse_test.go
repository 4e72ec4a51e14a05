package tarsplit

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// holey is a sparse file as a tar has it.
type holey struct {
	version string // of the PAX form, or "gnu"
	size    int64
	at      [][2]int64
}

// content is the file with its holes, each byte of data other than the ones around it.
func (h holey) content() string {
	b := make([]byte, h.size)
	for _, f := range h.at {
		for i := f[0]; i < f[0]+f[1]; i++ {
			b[i] = byte('a' + i%23)
		}
	}
	return string(b)
}

// data is what the tar has of it, with the map if that comes first.
func (h holey) data() string {
	var b strings.Builder
	if h.version == "1.0" {
		fmt.Fprintln(&b, len(h.at))
		for _, f := range h.at {
			fmt.Fprintf(&b, "%d\n%d\n", f[0], f[1])
		}
		b.WriteString(strings.Repeat("\x00", -b.Len()&511))
	}
	content := h.content()
	for _, f := range h.at {
		b.WriteString(content[f[0] : f[0]+f[1]])
	}
	return b.String()
}

// header is its blocks in the tar.
func (h holey) header(tb testing.TB, name string) string {
	tb.Helper()
	if h.version == "gnu" {
		return h.oldHeader(tb, name)
	}
	var b strings.Builder
	record := func(key string, value any) {
		rest := fmt.Sprintf(" %s=%v\n", key, value)
		n := len(rest) + 1
		for len(fmt.Sprint(n))+len(rest) != n {
			n++
		}
		fmt.Fprint(&b, n, rest)
	}
	record("GNU.sparse.size", h.size)
	if h.version != "1.0" {
		record("GNU.sparse.numblocks", len(h.at))
	}
	switch h.version {
	case "0.0":
		for _, f := range h.at {
			record("GNU.sparse.offset", f[0])
			record("GNU.sparse.numbytes", f[1])
		}
	case "0.1":
		record("GNU.sparse.major", 0)
		record("GNU.sparse.minor", 1)
		numbers := strings.NewReplacer("[", "", "]", "", " ", ",").Replace(fmt.Sprint(h.at))
		record("GNU.sparse.map", numbers)
	case "1.0":
		record("GNU.sparse.major", 1)
		record("GNU.sparse.minor", 0)
	}
	record("GNU.sparse.name", name)
	records := b.String()
	x, _, padding := pieces(tb, tar.Header{Name: "ext", Typeflag: tar.TypeReg}, len(records))
	x = string(refit(append([]byte(x)[:156], append([]byte("x"), x[157:]...)...)))
	stored, _, _ := pieces(tb, tar.Header{Name: "GNUSparseFile.0/" + name, Typeflag: tar.TypeReg}, len(h.data()))
	return x + records + padding + stored
}

// oldHeader is a header with room for 4 fragments, and blocks with room for 21.
func (h holey) oldHeader(tb testing.TB, name string) string {
	tb.Helper()
	text, _, _ := pieces(tb, tar.Header{Name: name, Typeflag: tar.TypeReg, Format: tar.FormatGNU}, len(h.data()))
	b := []byte(text)
	copy(b[483:], fmt.Sprintf("%011o", h.size))
	b[156] = 'S'
	rest := h.at
	put := func(to []byte, n int) {
		for i := range min(n, len(rest)) {
			copy(to[24*i:], fmt.Sprintf("%011o\x00%011o", rest[i][0], rest[i][1]))
		}
		rest = rest[min(n, len(rest)):]
		to[24*n] = byte(min(len(rest), 1))
	}
	for put(b[386:483], 4); len(rest) > 0; {
		b = append(b, make([]byte, 512)...)
		put(b[len(b)-512:], 21)
	}
	return string(refit(b))
}

// holes makes a tar of sparse files and others, its recipe, and the files on disk.
func holes(tb testing.TB, list ...holey) (whole string, recipe []byte, files dir) {
	tb.Helper()
	var b, run strings.Builder
	var lines []string
	texts := map[string]string{}
	add := func(name, header, data, content string) {
		run.WriteString(header)
		b.WriteString(header + data)
		lines = append(lines, segment(run.String()), file(name, content))
		run.Reset()
		padding := strings.Repeat("\x00", -len(data)&511)
		b.WriteString(padding)
		run.WriteString(padding)
		texts[name] = content
	}
	for i, h := range list {
		name := fmt.Sprintf("sparse%d", i)
		add(name, h.header(tb, name), h.data(), h.content())
		header, content, _ := pieces(tb, tar.Header{Name: fmt.Sprint("file", i), Typeflag: tar.TypeReg}, 100+i)
		add(fmt.Sprint("file", i), header, content, content)
	}
	end := strings.Repeat("\x00", 1024)
	b.WriteString(end)
	return b.String(), zip(tb, append(lines, segment(run.String()+end))...), folder(tb, texts)
}

func sparseCases() map[string][]holey {
	many := holey{size: 1 << 20}
	for i := range int64(400) {
		many.at = append(many.at, [2]int64{i * 512, 1 + i%300})
	}
	cases := map[string]holey{
		"one fragment":          {size: 1000, at: [][2]int64{{300, 7}}},
		"from the start":        {size: 1000, at: [][2]int64{{0, 7}}},
		"to the end":            {size: 1000, at: [][2]int64{{512, 488}}},
		"size,0":                {size: 20000, at: [][2]int64{{8192, 4096}, {20000, 0}}},
		"trailing hole":         {size: 70000, at: [][2]int64{{512, 4}, {60000, 6}}},
		"no holes":              {size: 1000, at: [][2]int64{{0, 1000}}},
		"no holes, two":         {size: 1000, at: [][2]int64{{0, 500}, {500, 500}}},
		"holes of nothing":      {size: 1000, at: [][2]int64{{0, 0}, {0, 0}, {5, 5}, {10, 0}, {10, 1}, {500, 0}, {1000, 0}, {1000, 0}}},
		"only a hole":           {size: 5000, at: [][2]int64{{5000, 0}}},
		"only a hole, in parts": {size: 5000, at: [][2]int64{{0, 0}, {5000, 0}}},
		"many":                  many,
		"large":                 {size: 3 << 20, at: [][2]int64{{5, kernelPiece + 1}, {1 << 20, 2*batchSize + 77}, {2 << 20, smallPiece + 1}, {3<<20 - 9, 9}}},
		"large at the end":      {size: 2 << 20, at: [][2]int64{{5, 3}, {1 << 20, 1 << 20}}},
	}
	all := map[string][]holey{"empty map, 0.1": {{"0.1", 5000, nil}}}
	for name, h := range cases {
		for _, version := range []string{"0.0", "0.1", "gnu"} {
			h.version = version
			all[name+", "+version] = []holey{h}
		}
	}
	all["several"] = []holey{{"0.1", 9000, [][2]int64{{100, 200}, {400, 5}}}, {"0.0", 9000, [][2]int64{{1, 1}}}, {"0.1", 1 << 20, [][2]int64{{7, 300_000}, {400_000, 300_000}}}, {"0.1", 600, nil}}
	return all
}

func TestSparse(t *testing.T) {
	t.Parallel()
	for name, list := range sparseCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, recipe, files := holes(t, list...)
			for kind, opener := range map[string]Opener{"dir": files, "quick": quick{files}} {
				for _, crc := range []bool{false, true} {
					opts := Options{CheckCRC: crc, SizeKnown: true, Size: int64(len(want))}
					sources(t, fmt.Sprintf("%s, crc=%t", kind, crc), want, func() *Reader { return open(t, recipe, opener, opts) })
				}
				r := openAt(t, recipe, opener, Options{SizeKnown: true, Size: int64(len(want))})
				check(t, compareAll(r, []byte(want)))
				checkSparseFiles(t, r, recipe, want)
			}
			if n := openFiles(t, string(files)); n > 4*3 { // those of a ReaderAt
				t.Errorf("%d files are open", n)
			}
		})
	}
}

// compareAll reads a tar at once, and at many places.
func compareAll(r *ReaderAt, want []byte) error {
	if err := compare(r, want, 0, len(want)); err != nil {
		return err
	}
	for i := 0; i < len(want); i += 1 + len(want)/151 {
		for _, n := range []int{1, 500, 5000, 300_000} {
			if err := compare(r, want, int64(i), min(n, len(want)-i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkSparseFiles holds files against entries: a file is one, whatever its pieces.
func checkSparseFiles(t *testing.T, r *ReaderAt, recipe []byte, tar string) {
	t.Helper()
	entries, err := list(recipe, Options{SizeKnown: true, Size: r.Size()})
	check(t, err)
	var want, got []File
	for _, e := range entries {
		if e.Size > 0 {
			want = append(want, File{Name: e.Name, Offset: e.Content, Size: e.Size})
		}
	}
	for f := range r.Files() {
		got = append(got, f)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("files %v, entries %v", got, want)
	}
	if all := headers(t, []byte(tar)); len(all) != len(entries) {
		t.Errorf("%d entries, want %d", len(entries), len(all))
	}
}

// TestSparseCRC: what is changed in the data is found, and in a hole is not in the tar.
func TestSparseCRC(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]holey{
		"small": {"0.1", 70000, [][2]int64{{512, 4}, {60000, 6}}},
		"large": {"0.0", 3 << 20, [][2]int64{{5, kernelPiece}, {1 << 20, 2 * batchSize}, {2 << 20, 700}}},
	} {
		want, recipe, files := holes(t, h)
		path := filepath.Join(string(files), "sparse0")
		content := h.content()
		for i, f := range h.at {
			for at, inside := range map[int64]bool{f[0]: true, f[0] + f[1] - 1: true, f[0] - 1: false, f[0] + f[1]: false} {
				changed := []byte(content)
				changed[at] ^= 1
				check(t, os.WriteFile(path, changed, 0o644))
				everyWayOf(func() *Reader { return open(t, recipe, files, Options{CheckCRC: true}) }, func(way, tar string, err error) {
					bad := (*EntryError)(nil)
					switch {
					case strings.Contains(way, "Next"): // checks none
					case inside && (!errors.Is(err, ErrCRC) || !errors.As(err, &bad) || bad.Name != "sparse0"):
						t.Errorf("%s, fragment %d, %s: %v", name, i, way, err)
					case !inside && (err != nil || tar != want):
						t.Errorf("%s, beside fragment %d, %s: %v", name, i, way, err)
					}
				})
			}
		}
	}
}

// TestBadSparse: files of another length, and recipes that contradict themselves.
func TestBadSparse(t *testing.T) {
	t.Parallel()
	h := holey{"0.1", 70000, [][2]int64{{512, 4}, {60000, 6}}}
	header, content := h.header(t, "f"), h.content()
	good := file("f", content)
	for name, test := range map[string]struct {
		lines  []string
		disk   string // "": gone
		opts   Options
		want   error
		recipe bool // a FormatError
	}{
		"gone":           {lines: []string{segment(header), good}, want: ErrMissing},
		"short":          {lines: []string{segment(header), good}, disk: content[:69999], want: ErrSize},
		"long":           {lines: []string{segment(header), good}, disk: content + "x", want: ErrSize},
		"only the data":  {lines: []string{segment(header), good}, disk: h.data(), want: ErrSize},
		"another record": {lines: []string{segment(header), file("f", content[1:])}, disk: content, want: ErrSize, recipe: true},
		"record of none": {lines: []string{segment(header), file("f", ""), good}, disk: content, want: ErrSize, recipe: true},
		"no room":        {lines: []string{segment(header), good}, disk: content, opts: Options{SizeKnown: true, Size: int64(len(header)) + 9}, want: ErrSize, recipe: true},
		"too much room":  {lines: []string{segment(header), good}, disk: content, opts: Options{SizeKnown: true, Size: int64(len(header)) + 11}, want: ErrSize, recipe: true},
	} {
		files := folder(t, nil)
		if test.disk != "" {
			write(test.disk)(t, filepath.Join(string(files), "f"))
		}
		everyWayOf(func() *Reader { return open(t, zip(t, test.lines...), files, test.opts) }, func(way, tar string, err error) {
			if bad := (*FormatError)(nil); !errors.Is(err, test.want) || errors.As(err, &bad) != test.recipe || !strings.HasPrefix(header+h.data(), tar) {
				t.Errorf("%s, %s: %d bytes, %v", name, way, len(tar), err)
			}
		})
		if left := openFiles(t, string(files)); left > 0 {
			t.Errorf("%s: %d files are open", name, left)
		}
	}
	small := []byte(holey{"1.0", h.size, h.at}.header(t, "f"))
	copy(small[len(small)-512+124:], "00000000777") // no room for a map
	refit(small[len(small)-512:])
	// What only looks like a sparse file is taken as the recipe states it.
	for name, lines := range map[string][]string{
		"header elsewhere":   {segment(header[:1024]), segment(header[1024:]), good},
		"not at a block":     {segment("x"), segment(header), good},
		"a second record":    {segment(header), good, good},
		"no room for a map":  {segment(string(small)), good},
		"a segment between":  {segment(header), segment("x"), good},
		"something behind":   {segment(header + "x"), good},
		"in a file's header": {segment(strings.Repeat("GNU.sparse.", 200)), good},
	} {
		got, err := io.ReadAll(open(t, zip(t, lines...), folder(t, map[string]string{"f": content}), Options{CheckCRC: true}))
		if err != nil || !bytes.HasSuffix(got, []byte(content)) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}

// TestManyFragments: as many as a header has room for.
func TestManyFragments(t *testing.T) {
	t.Parallel()
	h := holey{version: "0.1", size: 400_000}
	for i := range int64(100_000) {
		h.at = append(h.at, [2]int64{4 * i, 1})
	}
	want, recipe, texts := holes(t, h)
	files := &counter{dir: texts}
	var got bytes.Buffer
	if n, err := open(t, recipe, files, Options{CheckCRC: true}).WriteTo(&got); err != nil || got.String() != want {
		t.Errorf("%d bytes of %d, %v", n, len(want), err)
	}
	if text, err := io.ReadAll(open(t, recipe, files, Options{})); err != nil || string(text) != want {
		t.Errorf("Read: %d bytes of %d, %v", len(text), len(want), err)
	}
	r := openAt(t, recipe, files, Options{})
	check(t, compare(r, []byte(want), 0, len(want)))
	if n := files.opened.Load(); n != 3*2 {
		t.Errorf("%d times a file was opened, of 2 in 3 ways", n)
	}
	checkSparseFiles(t, r, recipe, want)
	need := r.index.bytes() + pieceAtLen*int64(cap(r.index.pieces))
	if _, err := buildIndex(t, recipe, need); err != nil {
		t.Errorf("with %d bytes: %v", need, err)
	}
	if _, err := buildIndex(t, recipe, need*9/10); !errors.Is(err, ErrLimit) {
		t.Errorf("below %d bytes: %v", need, err)
	}
}
