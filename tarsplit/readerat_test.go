package tarsplit

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
)

func openAt(tb testing.TB, recipe []byte, files Opener, opts Options) *ReaderAt {
	tb.Helper()
	r, err := NewReaderAt(bytes.NewReader(recipe), files, opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = r.Close() })
	return r
}

func section(r *ReaderAt) *io.SectionReader { return io.NewSectionReader(r, 0, r.Size()) }

// counter counts what is opened and knows what is open.
type counter struct {
	dir
	opened atomic.Int64
	mu     sync.Mutex
	all    []*os.File
}

func (c *counter) OpenFile(name string) (*os.File, error) {
	c.opened.Add(1)
	f, err := c.dir.OpenFile(name)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, f)
	return f, err
}

// open is the number of files that have not been closed.
func (c *counter) open() int {
	n := 0
	for _, f := range c.all {
		if _, err := f.Stat(); !errors.Is(err, fs.ErrClosed) {
			n++
		}
	}
	return n
}

// shapes are recipes of every make, by name, with the files that they need.
func shapes(tb testing.TB) map[string][]byte {
	tb.Helper()
	rnd := rand.New(rand.NewPCG(1, 2))
	noise := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		return string(b)
	}
	var mixed []string
	for range 300 {
		switch rnd.IntN(6) {
		case 0:
			mixed = append(mixed, segment(noise(rnd.IntN(3*blockLen))))
		case 1:
			mixed = append(mixed, segment(strings.Repeat("header", rnd.IntN(200))))
		default:
			name := [...]string{"empty", "one", "tiny", "block", "big"}[rnd.IntN(5)]
			mixed = append(mixed, file(name, contents[name]))
		}
	}
	link := func() string {
		var b bytes.Buffer
		h := tar.Header{Name: "one", Linkname: "tiny", Typeflag: tar.TypeLink}
		if err := tar.NewWriter(&b).WriteHeader(&h); err != nil {
			tb.Fatal(err)
		}
		return b.String()
	}()
	return map[string][]byte{
		"mixed":         zip(tb, mixed...),
		"empty tar":     zip(tb),
		"empty lines":   zip(tb, segment(""), file("empty", "")),
		"only inline":   zip(tb, segment(noise(5*blockLen+7)), segment("x")),
		"exact blocks":  zip(tb, segment(noise(2*blockLen))),
		"one byte":      zip(tb, segment("x")),
		"one file":      zip(tb, file("tiny", contents["tiny"])),
		"only files":    zip(tb, file("big", contents["big"]), file("one", "1"), file("one", "1"), file("big", contents["big"])),
		"ends in file":  zip(tb, segment("ab"), file("tiny", contents["tiny"])),
		"trailing":      zip(tb, file("tiny", contents["tiny"]), segment(strings.Repeat("\x00", 10_240)), segment("junk")),
		"sized links":   zip(tb, segment(link), file("one", "1"), segment(link), file("one", "1"), segment("end")),
		"tiny in a row": zip(tb, strings.Split(strings.Repeat(file("one", "1")+"\n", 500)+segment("."), "\n")...),
	}
}

var contents = map[string]string{
	"empty": "", "one": "1", "tiny": "a tiny file\n",
	"block": strings.Repeat("blk.", 1024),
	"big":   strings.Repeat("0123456789abcdef!", 12_345),
}

func TestReaderAtGivesTheTar(t *testing.T) {
	t.Parallel()
	files := folder(t, contents)
	for name, recipe := range shapes(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, err := io.ReadAll(open(t, recipe, files, Options{}))
			check(t, err)
			r := openAt(t, recipe, files, Options{Size: int64(len(want)), SizeKnown: true})
			if r.Size() != int64(len(want)) {
				t.Fatalf("size %d, want %d", r.Size(), len(want))
			}
			if got, err := io.ReadAll(section(r)); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("in a row: %d bytes of %d, %v", len(got), len(want), err)
			}
			rnd := rand.New(rand.NewPCG(3, 4))
			for range 500 {
				off := rnd.IntN(len(want) + 1)
				n := rnd.IntN([...]int{2, 100, 5000, 300_000}[rnd.IntN(4)])
				if err := compare(r, want, int64(off), n); err != nil {
					t.Fatal(err)
				}
			}
			checkFiles(t, r, want)
		})
	}
}

// compare reads n bytes and holds them against the tar.
func compare(r io.ReaderAt, want []byte, off int64, n int) error {
	p := make([]byte, n)
	k, err := r.ReadAt(p, off)
	rest := want[off:]
	switch {
	case n <= len(rest) && (k != n || err != nil):
		return fmt.Errorf("%d bytes at %d: got %d, %w", n, off, k, err)
	case n > len(rest) && (k != len(rest) || err != io.EOF):
		return fmt.Errorf("%d bytes at %d, of which there are %d: got %d, %w", n, off, len(rest), k, err)
	case !bytes.Equal(p[:k], rest[:k]):
		return fmt.Errorf("%d bytes at %d differ", k, off)
	}
	return nil
}

func checkFiles(t *testing.T, r *ReaderAt, want []byte) {
	t.Helper()
	for f := range r.Files() {
		if got := string(want[f.Offset : f.Offset+f.Size]); got != contents[f.Name] || got == "" {
			t.Errorf("%+v: other content", f)
		}
	}
}

func TestSectionOfReaderAt(t *testing.T) {
	t.Parallel()
	want, recipe, files := split(t, []tar.Header{ // small: it is read byte by byte
		{Name: "dir/", Typeflag: tar.TypeDir},
		{Name: "dir/one", Typeflag: tar.TypeReg},
		{Name: "dir/two", Typeflag: tar.TypeReg},
	}, []string{"", "1", strings.Repeat("22", 5000)})
	if err := iotest.TestReader(section(openAt(t, recipe, files, Options{})), want); err != nil {
		t.Error(err)
	}
	want, recipe, files = sample(t)
	if got, err := io.ReadAll(section(openAt(t, recipe, files, Options{}))); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes of %d, %v", len(got), len(want), err)
	}
}

func TestReaderAtEdges(t *testing.T) {
	t.Parallel()
	files := folder(t, map[string]string{"f": "content"})
	r := openAt(t, zip(t, segment("ab"), file("f", "content"), segment("cd")), files, Options{})
	for name, test := range map[string]struct {
		off  int64
		n    int
		want string
		err  error
	}{
		"all":           {0, 11, "abcontentcd", nil},
		"more than all": {0, 12, "abcontentcd", io.EOF},
		"at the end":    {11, 1, "", io.EOF},
		"behind":        {1 << 62, 1, "", io.EOF},
		"over the end":  {10, 2, "d", io.EOF},
		"nothing":       {5, 0, "", nil},
		"in the file":   {3, 2, "on", nil},
		"into the file": {1, 2, "bc", nil},
		"out of it":     {8, 2, "tc", nil},
		"all of it":     {2, 7, "content", nil},
	} {
		p := make([]byte, test.n)
		n, err := r.ReadAt(p, test.off)
		if string(p[:n]) != test.want || err != test.err { //nolint:errorlint // exactly io.EOF is the contract
			t.Errorf("%s: %q, %v", name, p[:n], err)
		}
	}
	if n, err := r.ReadAt(make([]byte, 1), -1); n != 0 || err == nil || errors.Is(err, io.EOF) {
		t.Errorf("negative offset: %d, %v", n, err)
	}
	if _, err := NewReaderAt(bytes.NewReader(zip(t)), files, Options{CheckCRC: true}); err == nil {
		t.Error("CheckCRC was accepted")
	}
}

func TestReaderAtConcurrently(t *testing.T) {
	t.Parallel()
	tree := map[string]string{}
	var lines []string
	rnd := rand.New(rand.NewPCG(5, 6))
	for i := range 40 {
		name := fmt.Sprintf("file%d", i)
		tree[name] = strings.Repeat(name, 1+rnd.IntN(10_000))
		lines = append(lines, segment(strings.Repeat(name, 1+rnd.IntN(10_000))), file(name, tree[name]))
	}
	recipe, files := zip(t, lines...), &counter{dir: folder(t, tree)}
	want, err := io.ReadAll(open(t, recipe, files, Options{}))
	check(t, err)
	r := openAt(t, recipe, files, Options{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(7, uint64(i)))
			for range 200 {
				if err := compare(r, want, int64(rnd.IntN(len(want))), rnd.IntN(60_000)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	// Some are still reading when it is closed.
	for i := range 4 {
		wg.Go(func() {
			for {
				if err := compare(r, want, int64(i*1000), 200_000); err != nil {
					if !errors.Is(err, fs.ErrClosed) {
						t.Error(err)
					}
					return
				}
			}
		})
	}
	check(t, r.Close())
	wg.Wait()
	if n := files.open(); n != 0 {
		t.Errorf("%d files are open after Close", n)
	}
}

// TestReaderAtOpensLittle counts opened files.
func TestReaderAtOpensLittle(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("0123456789", 50_000)
	files := &counter{dir: folder(t, map[string]string{"a": big, "b": big, "c": "tiny", "d": big, "e": big, "f": big})}
	var lines []string
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		content := big
		if name == "c" {
			content = "tiny"
		}
		lines = append(lines, segment(strings.Repeat("h", 100_000)), file(name, content))
	}
	r := openAt(t, zip(t, lines...), files, Options{})
	read := func(off int64, n int) {
		t.Helper()
		if _, err := r.ReadAt(make([]byte, n), off); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(what string, n int64) {
		t.Helper()
		if got := files.opened.Swap(0); got != n {
			t.Errorf("%s: %d files were opened, want %d", what, got, n)
		}
	}
	read(0, 100_000)
	for f := range r.Files() {
		read(f.Offset-100_000, 100_000)
	}
	expect("inline bytes", 0)
	read(1_300_000, 4) // c
	if n := files.open(); n != 0 {
		t.Errorf("%d files are open after all of one was read", n)
	}
	expect("a whole file", 1)
	read(100_000, 10)
	read(500_000, 10)
	read(100_005, 10)
	expect("one file thrice", 1)
	for off := int64(0); off < r.Size(); off += 32 << 10 {
		read(off, int(min(32<<10, r.Size()-off)))
	}
	expect("all in a row", 5) // a is open
	var at []int64
	for f := range r.Files() {
		if f.Name != "c" {
			at = append(at, f.Offset)
		}
	}
	for range 3 {
		for _, off := range at[:cachedFiles] {
			read(off, 10)
		}
	}
	files.opened.Store(0)
	for range 3 {
		for _, off := range at[:cachedFiles] {
			read(off, 10)
		}
	}
	expect("as many as are kept", 0)
	if n := files.open(); n != cachedFiles {
		t.Errorf("%d files are open", n)
	}
	check(t, r.Close())
	if n := files.open(); n != 0 {
		t.Errorf("%d files are open after Close", n)
	}
}

// TestArchiveTarOverReaderAt: archive/tar seeks over content up to the last byte, so
// that files in front are opened and those behind are not.
func TestArchiveTarOverReaderAt(t *testing.T) {
	t.Parallel()
	_, recipe, dir := sample(t)
	files := &counter{dir: dir}
	r := openAt(t, recipe, files, Options{})
	front := int64(0)
	for f := range r.Files() {
		if front++; f.Name == "grüße" {
			break
		}
	}
	tr := tar.NewReader(section(r))
	for {
		h, err := tr.Next()
		check(t, err)
		if h.Name == "grüße" {
			break
		}
	}
	if got, err := io.ReadAll(tr); err != nil || string(got) != "hi" {
		t.Errorf("%q, %v", got, err)
	}
	if got := files.opened.Load(); got > front {
		t.Errorf("%d files were opened, want at most %d", got, front)
	}
}

func TestReaderAtAllocations(t *testing.T) {
	content := strings.Repeat("x", 100_000)
	files := folder(t, map[string]string{"f": content})
	r := openAt(t, zip(t, segment(content), file("f", content), segment(content)), files, Options{})
	p := make([]byte, 32<<10)
	off := int64(80_000)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := r.ReadAt(p, off); err != nil {
			t.Error(err)
		}
		off = 280_000 - off - 32<<10 // the file's end and its beginning
	}); n != 0 {
		t.Errorf("%v allocations a read", n)
	}
}
