package tarsplit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// TestNoErrorIsTheEnd: whoever's error wraps io.EOF, it is none the less an error.
func TestNoErrorIsTheEnd(t *testing.T) {
	t.Parallel()
	_, large, largeFiles, _ := bulk(t)
	_, small, smallFiles := sample(t)
	wrapped := fmt.Errorf("peer gone: %w", io.EOF)
	for size, layer := range map[string]struct {
		recipe []byte
		files  dir
	}{"large": {large, largeFiles}, "small": {small, smallFiles}} {
		for name, broken := range map[string]error{"io.EOF": io.EOF, "wrapped": wrapped} {
			r := open(t, layer.recipe, layer.files, Options{})
			for _, when := range []string{"first", "again"} {
				if _, err := r.Copy(t.Context(), refusing{broken}, CopyOptions{Hash: sha256.New()}); err == nil {
					t.Errorf("%s, writer gives %s: success %s", size, name, when)
				}
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(broken)
			if n, err := open(t, layer.recipe, layer.files, Options{}).Copy(ctx, io.Discard, CopyOptions{}); err == nil || n > 0 {
				t.Errorf("%s, context ends by %s: %d bytes, %v", size, name, n, err)
			}
			n, err := open(t, layer.recipe, failing{broken}, Options{}).Copy(t.Context(), io.Discard, CopyOptions{})
			if entry := (*EntryError)(nil); !errors.As(err, &entry) || errors.Is(err, io.EOF) {
				t.Errorf("%s, opener gives %s: %d bytes, %v", size, name, n, err)
			}
			if _, err := io.ReadAll(open(t, layer.recipe, failing{broken}, Options{})); err == nil {
				t.Errorf("%s, opener gives %s: Read succeeds", size, name)
			}
		}
		half := io.MultiReader(bytes.NewReader(layer.recipe[:len(layer.recipe)/2]), failing{wrapped})
		r, err := NewReader(half, layer.files, Options{})
		check(t, err)
		if _, err := r.WriteTo(io.Discard); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: half a recipe: %v", size, err)
		}
	}
}

// failing fails at everything.
type failing struct{ err error }

func (f failing) OpenFile(string) (*os.File, error) { return nil, f.err }
func (f failing) Read([]byte) (int, error)          { return 0, f.err }

// TestBatchReaderThatLies: what was not read is not in the tar.
func TestBatchReaderThatLies(t *testing.T) {
	t.Parallel()
	recipe := zip(t, segment("ab"), file("f", "content"), segment("cd"), file("g", "more"))
	files := joined{quick{folder(t, map[string]string{"f": "content", "g": "more"})}}
	for name, n := range map[string]int{"none": 0, "one": 1, "less than none": -3, "more than all": 9} {
		var got bytes.Buffer
		_, err := open(t, recipe, lying{files, n}, Options{}).WriteTo(&got)
		if n > 2 && err == nil {
			continue // it has read both
		}
		entry := (*EntryError)(nil)
		if want := []string{"ab", "abcontentcd"}[max(n, 0)]; !errors.As(err, &entry) || got.String() != want {
			t.Errorf("%s: %q, %v", name, &got, err)
		}
	}
}

// lying reads what it is asked for, and says that it was as many as n.
type lying struct {
	joined
	n int
}

func (l lying) ReadFiles(files []FileInto) (n int, size int64, err error) {
	_, _, _ = l.joined.ReadFiles(files)
	return l.n, int64(len(files[min(max(l.n, 0), len(files)-1)].P)), nil
}

// TestOffsetIsWhatWasGiven, and not what was walked.
func TestOffsetIsWhatWasGiven(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("x", 1000)
	recipe := zip(t, segment("abc"), file("f", content), segment("end"))
	spoiled := folder(t, nil)
	whole := folder(t, map[string]string{"f": content})
	for name, test := range map[string]struct {
		files dir
		use   func(r *Reader)
		want  int64
	}{
		"read to the end":      {whole, func(r *Reader) { _, _ = io.ReadAll(r) }, 1006},
		"copied twice":         {whole, func(r *Reader) { _, _ = r.WriteTo(io.Discard); _, _ = r.WriteTo(io.Discard) }, 1006},
		"missing":              {spoiled, func(r *Reader) { _, _ = io.ReadAll(r) }, 3},
		"missing, copied":      {spoiled, func(r *Reader) { _, _ = r.WriteTo(io.Discard); _, _ = r.WriteTo(io.Discard) }, 3},
		"closed in the middle": {whole, func(r *Reader) { _, _ = r.Read(make([]byte, 100)); _ = r.Close() }, 100},
	} {
		r := open(t, recipe, test.files, Options{})
		test.use(r)
		if got := r.Offset(); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

// TestCopyOfTheRestStops: a context counts in the middle of a file, too.
func TestCopyOfTheRestStops(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("x", 5_000_000)
	r := open(t, zip(t, file("f", content)), folder(t, map[string]string{"f": content}), Options{})
	_, err := r.Read(make([]byte, 1))
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := r.Copy(ctx, io.Discard, CopyOptions{}); n > 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// TestFailedWriteLeavesNothingOpen: of files that the kernel was to copy.
func TestFailedWriteLeavesNothingOpen(t *testing.T) {
	content := strings.Repeat("x", 2*kernelPiece)
	files := folder(t, map[string]string{"f": content})
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	check(t, err)
	defer full.Close()
	for _, recipe := range [][]byte{zip(t, segment("ab"), file("f", content)), zip(t, segment("ab"), file("f", content), segment("cd"), file("f", content), file("f", content))} {
		if _, err := open(t, recipe, files, Options{}).WriteTo(full); err == nil {
			t.Error("/dev/full took it")
		}
	}
	if n := openFiles(t, string(files)); n > 0 {
		t.Errorf("%d files are open", n)
	}
}

// TestUnreadableFile: what the kernel could not move names the entry if the file is to
// blame, and only then.
func TestUnreadableFile(t *testing.T) {
	t.Parallel()
	memory, err := os.Open("/proc/self/mem") // whose first page nobody may read
	check(t, err)
	defer memory.Close()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	check(t, err)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	check(t, err)
	defer full.Close()
	content := strings.Repeat("x", kernelPiece)
	good, err := folder(t, map[string]string{"f": content}).OpenFile("f")
	check(t, err)
	defer good.Close()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		ctx     context.Context
		src, to *os.File
		want    error
		entry   bool
	}{
		"unreadable": {t.Context(), memory, out, syscall.EIO, true},
		"full":       {t.Context(), good, full, syscall.ENOSPC, false},
		"ended":      {ended, good, out, context.Canceled, false},
	} {
		d := &delivery{ctx: test.ctx, r: &Reader{}, w: test.to}
		err := d.hand(&part{ext: extent{name: "f", size: kernelPiece, length: kernelPiece}, src: &shared{file: test.src}})
		var entry *EntryError
		if !errors.Is(err, test.want) || errors.As(err, &entry) != test.entry {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestManyTinyFiles: batches are bounded by what their parts take, not by the tar's
// bytes alone.
func TestManyTinyFiles(t *testing.T) {
	const n = 300_000
	recipe := zip(t, strings.Repeat(file("a", "x")+"\n", n-1)+file("a", "x"))
	files := quick{folder(t, map[string]string{"a": "x"})}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var most uint64
	out := tried(func([]byte) {
		runtime.ReadMemStats(&after)
		most = max(most, after.HeapAlloc-min(after.HeapAlloc, before.HeapAlloc))
	})
	if got, err := open(t, recipe, memory{files}, Options{}).WriteTo(out); err != nil || got != n {
		t.Fatalf("%d bytes, %v", got, err)
	}
	if most > 48<<20 {
		t.Errorf("%d MiB", most>>20)
	}
}

// memory has one byte for every name.
type memory struct{ Opener }

func (memory) ReadFile(_ string, p []byte) (int64, error) { return int64(copy(p, "x")), nil }

type tried func([]byte)

func (f tried) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}

func TestUnchecked(t *testing.T) {
	t.Parallel()
	files := folder(t, map[string]string{"f": "content", "g": "content"})
	bare := `{"type":1,"name":"g","size":7,"payload":null,"position":0}`
	r := open(t, zip(t, file("f", "content"), bare), files, Options{CheckCRC: true})
	check(t, os.WriteFile(filepath.Join(string(files), "g"), []byte("CONTENT"), 0o600))
	if _, err := r.WriteTo(io.Discard); err != nil || r.Unchecked() != 1 {
		t.Errorf("%d, %v", r.Unchecked(), err)
	}
}

func TestBadOptions(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]Options{"size": {Size: -1, SizeKnown: true}, "segment": {MaxSegment: -1}} {
		if _, err := NewReader(bytes.NewReader(zip(t)), dir("."), opts); !errors.Is(err, errNegative) {
			t.Errorf("negative %s: %v", name, err)
		}
	}
	if _, err := NewReaderAt(bytes.NewReader(zip(t)), dir("."), Options{MaxIndex: -1}); !errors.Is(err, errNegative) {
		t.Errorf("negative index: %v", err)
	}
	r := open(t, zip(t, segment("ab")), dir("."), Options{MaxSegment: int(^uint(0) >> 1)})
	if n, err := r.WriteTo(io.Discard); n != 2 || err != nil {
		t.Errorf("no limit: %d bytes, %v", n, err)
	}
}
