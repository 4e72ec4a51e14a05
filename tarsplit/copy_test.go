package tarsplit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// bulk is a layer of many batches: sizes around all limits, and long inline runs.
func bulk(tb testing.TB) (want, recipe []byte, files dir, names []string) {
	tb.Helper()
	rnd := rand.New(rand.NewPCG(1, 2))
	noise := rand.NewChaCha8([32]byte{1})
	random := func(n int) string {
		b := make([]byte, n)
		_, _ = noise.Read(b) // never fails
		return string(b)
	}
	sizes := []int{batchSize, batchSize - 1, batchSize + 1, 3*batchSize + 7, smallPiece, smallPiece + 1, smallPiece - 1, kernelPiece, kernelPiece - 1, 1, 2_000_000}
	for range 120 {
		sizes = append(sizes, rnd.IntN(9000)+1)
	}
	rnd.Shuffle(len(sizes), func(i, j int) { sizes[i], sizes[j] = sizes[j], sizes[i] })
	var all bytes.Buffer
	var lines []string
	tree := map[string]string{}
	for i, size := range sizes {
		inline := random(512)
		if i%50 == 25 {
			inline = random(2*batchSize + 100)
		}
		name := fmt.Sprintf("d%d/f%d", i%7, i)
		content := random(size)
		names, tree[name] = append(names, name), content
		all.WriteString(inline + content)
		lines = append(lines, segment(inline), file(name, content))
	}
	all.WriteString("the end")
	return all.Bytes(), zip(tb, append(lines, segment("the end"))...), folder(tb, tree), names
}

// quick is a dir that reads small files in one go.
type quick struct{ dir }

func (q quick) ReadFile(name string, p []byte) (int64, error) {
	b, err := os.ReadFile(filepath.Join(string(q.dir), name))
	copy(p, b)
	return int64(len(b)), err
}

// joined reads small files in one go, and many at once.
type joined struct{ quick }

func (j joined) ReadFiles(files []FileInto) (n int, size int64, err error) {
	for n, f := range files {
		if size, err := j.ReadFile(f.Name, f.P); err != nil || size != int64(len(f.P)) {
			return n, size, err
		}
	}
	return len(files), 0, nil
}

func TestCopy(t *testing.T) {
	t.Parallel()
	want, recipe, files, _ := bulk(t)
	for name, opener := range map[string]Opener{"Opener": files, "FileReader": quick{files}, "BatchReader": joined{quick{files}}} {
		for _, crc := range []bool{false, true} {
			opts := Options{CheckCRC: crc, Size: int64(len(want)), SizeKnown: true}
			t.Run(fmt.Sprintf("%s,crc=%t,hash", name, crc), func(t *testing.T) {
				t.Parallel()
				var got bytes.Buffer
				sum := sha256.New()
				var told int64
				r := open(t, recipe, opener, opts)
				n, err := r.Copy(t.Context(), &got, CopyOptions{Hash: sum, Progress: func(n int64) { told += n }})
				if err != nil || n != int64(len(want)) || told != n || !bytes.Equal(got.Bytes(), want) {
					t.Errorf("%d bytes, told %d, of %d, equal %t: %v", n, told, len(want), bytes.Equal(got.Bytes(), want), err)
				}
				if [32]byte(sum.Sum(nil)) != sha256.Sum256(want) {
					t.Error("the hash is of other bytes")
				}
				if _, err := r.Next(); !errors.Is(err, io.EOF) || r.Offset() != n {
					t.Errorf("afterwards: %v at %d", err, r.Offset())
				}
			})
			t.Run(fmt.Sprintf("%s,crc=%t,file", name, crc), func(t *testing.T) {
				t.Parallel()
				out, err := os.Create(filepath.Join(t.TempDir(), "out"))
				check(t, err)
				defer out.Close()
				_, err = out.WriteString("before")
				check(t, err)
				var told int64
				n, err := open(t, recipe, opener, opts).Copy(t.Context(), out, CopyOptions{Progress: func(n int64) { told += n }})
				if err != nil || n != int64(len(want)) || told != n {
					t.Errorf("%d bytes, told %d, of %d: %v", n, told, len(want), err)
				}
				_, err = out.WriteString("after")
				check(t, err)
				got, err := os.ReadFile(out.Name())
				if err != nil || string(got) != "before"+string(want)+"after" {
					t.Errorf("%d bytes are in the file, %v", len(got), err)
				}
			})
		}
	}
}

// TestCopyTheRest: what Read and Next left, wherever they stopped.
func TestCopyTheRest(t *testing.T) {
	t.Parallel()
	want, recipe, files, _ := bulk(t)
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		r := open(t, recipe, files, Options{CheckCRC: true})
		skip := rnd.IntN(len(want))
		_, err := io.ReadFull(r, make([]byte, skip))
		check(t, err)
		var got bytes.Buffer
		sum := sha256.New()
		n, err := r.Copy(t.Context(), &got, CopyOptions{Hash: sum})
		if err != nil || n != int64(len(want)-skip) || !bytes.Equal(got.Bytes(), want[skip:]) || [32]byte(sum.Sum(nil)) != sha256.Sum256(want[skip:]) {
			t.Errorf("from %d: %d bytes of %d, %v", skip, n, len(want)-skip, err)
		}
	}
}

// TestCopyStops: nothing that lies behind a bad file is written, whatever was read
// ahead, and nothing stays open or running.
func TestCopyStops(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(path string) error
		want  error
	}{
		"missing": {os.Remove, ErrMissing},
		"short":   {func(p string) error { return os.Truncate(p, 0) }, ErrSize},
		"changed": {flip, ErrCRC},
	} {
		for _, kind := range []string{"small", "large"} {
			for _, crc := range []bool{true, false} {
				if test.want == ErrCRC && !crc { //nolint:errorlint // the same value
					continue
				}
				for way, opener := range map[string]func(dir) Opener{
					"Opener":      func(d dir) Opener { return d },
					"BatchReader": func(d dir) Opener { return joined{quick{d}} },
				} {
					t.Run(fmt.Sprintf("%s,%s,crc=%t,%s", name, kind, crc, way), func(t *testing.T) {
						testCopyStops(t, test.spoil, test.want, kind, crc, opener)
					})
				}
			}
		}
	}
}

func testCopyStops(t *testing.T, spoil func(path string) error, wantErr error, kind string, crc bool, opener func(dir) Opener) {
	t.Helper()
	want, recipe, files, names := bulk(t)
	bad := names[90]
	for _, n := range names[30:] {
		info, err := os.Stat(filepath.Join(string(files), n))
		check(t, err)
		if (kind == "large") == (info.Size() > 2*batchSize) {
			bad = n
			break
		}
	}
	content, err := os.ReadFile(filepath.Join(string(files), bad))
	check(t, err)
	at := bytes.Index(want, content)
	check(t, spoil(filepath.Join(string(files), bad)))
	before := runtime.NumGoroutine()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	check(t, err)
	defer out.Close()
	r := open(t, recipe, opener(files), Options{CheckCRC: crc})
	n, err := r.Copy(t.Context(), out, CopyOptions{})
	var entry *EntryError
	if !errors.Is(err, wantErr) || !errors.As(err, &entry) || entry.Name != bad {
		t.Errorf("error %v, want %v of %q", err, wantErr, bad)
	}
	got, err := os.ReadFile(out.Name())
	check(t, err)
	if int64(len(got)) != n || len(got) < at || len(got) >= at+len(content) || !bytes.Equal(got[:at], want[:at]) {
		t.Errorf("%d bytes written, %d said, the bad file is at %d", len(got), n, at)
	}
	if _, again := r.Read(make([]byte, 1)); !errors.Is(again, wantErr) || r.Offset() != n {
		t.Errorf("afterwards: %v at %d, not %d", again, r.Offset(), n)
	}
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) { // one that has just ended may still be counted
			t.Fatalf("%d goroutines before, %d after", before, runtime.NumGoroutine())
		}
	}
	if left := openFiles(t, string(files)); left > 0 {
		t.Errorf("%d files are still open", left)
	}
}

func flip(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	b[len(b)-1] ^= 1
	return os.WriteFile(path, b, 0o644)
}

// openFiles counts descriptors of files below folder.
func openFiles(t *testing.T, folder string) (n int) {
	t.Helper()
	fds, err := filepath.Glob("/proc/self/fd/*")
	check(t, err)
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && strings.HasPrefix(to, folder) {
			n++
		}
	}
	return n
}

// stopping is a writer that does something at its nth write.
type stopping struct {
	n  int
	do func() error
}

func (s *stopping) Write(p []byte) (int, error) {
	if s.n--; s.n > 0 {
		return len(p), nil
	}
	if err := s.do(); err != nil {
		return 0, err
	}
	return len(p), nil
}

func TestCopyIsStopped(t *testing.T) {
	_, recipe, files, _ := bulk(t)
	for _, n := range []int{1, 2, 9} {
		full := errors.New("full")
		_, err := open(t, recipe, files, Options{}).Copy(t.Context(), &stopping{n, func() error { return full }}, CopyOptions{Hash: sha256.New()})
		if !errors.Is(err, full) {
			t.Errorf("write %d fails: %v", n, err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		_, err = open(t, recipe, files, Options{}).Copy(ctx, &stopping{n, func() error { cancel(full); return nil }}, CopyOptions{Hash: sha256.New()})
		if !errors.Is(err, full) {
			t.Errorf("ended at write %d: %v", n, err)
		}
		_, err = open(t, recipe, files, Options{}).Copy(t.Context(), shortWriter{}, CopyOptions{})
		if !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("a writer that takes less: %v", err)
		}
	}
	if left := openFiles(t, string(files)); left > 0 {
		t.Errorf("%d files are still open", left)
	}
}

type shortWriter struct{}

func (shortWriter) Write(p []byte) (int, error) { return len(p) / 2, nil }
