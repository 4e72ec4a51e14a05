package transfer

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func content(t *testing.T, size int) (*os.File, []byte) {
	t.Helper()
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(data) // never fails
	name := filepath.Join(t.TempDir(), "src")
	check(t, os.WriteFile(name, data, 0o600))
	f, err := os.Open(name)
	check(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f, data
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestCopy copies the middle of a file into each kind of destination.
func TestCopy(t *testing.T) {
	t.Parallel()
	const from, size = 1000, step + 4321
	open := func(flags int) func(*testing.T) (*os.File, func() []byte) {
		return func(t *testing.T) (*os.File, func() []byte) {
			name := filepath.Join(t.TempDir(), "dst")
			f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|flags, 0o600)
			check(t, err)
			_, err = f.WriteString("ab")
			check(t, err)
			return f, func() []byte {
				check(t, f.Close())
				b, err := os.ReadFile(name)
				check(t, err)
				return b
			}
		}
	}
	pipe := func(t *testing.T) (*os.File, func() []byte) {
		r, w, err := os.Pipe()
		check(t, err)
		done := make(chan []byte)
		go func() {
			b, _ := io.ReadAll(r)
			done <- b
		}()
		_, err = w.WriteString("ab")
		check(t, err)
		return w, func() []byte { check(t, w.Close()); return <-done }
	}
	for name, dst := range map[string]func(*testing.T) (*os.File, func() []byte){
		"file": open(0), "appending": open(os.O_APPEND), "pipe": pipe,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src, data := content(t, from+size+99)
			f, finish := dst(t)
			var told int64
			moved, err := Copy(f, src, from, size, func(n int64) error { told += n; return nil })
			if err != nil || moved != size || told != size {
				t.Errorf("moved %d, told %d, %v", moved, told, err)
			}
			_, err = f.WriteString("yz")
			check(t, err)
			want := append(append([]byte("ab"), data[from:from+size]...), "yz"...)
			if got := finish(); !bytes.Equal(got, want) {
				t.Errorf("%d bytes arrived, %d were sent", len(got), len(want))
			}
			if at, err := src.Seek(0, io.SeekCurrent); err != nil || at != 0 {
				t.Errorf("the source stands at %d, %v", at, err)
			}
		})
	}
}

// TestMovers: each way alone gives the same bytes, so that none is only believed to
// work because another stands in. Where every peer is required (scripts/test.sh), the
// kernel has to have one of them.
func TestMovers(t *testing.T) {
	t.Parallel()
	src, data := content(t, 300_000)
	in, err := src.SyscallConn()
	check(t, err)
	fit := 0
	for name, move := range map[string]mover{"copy_file_range": copyFileRange, "sendfile": sendfile} {
		t.Run(name, func(t *testing.T) {
			f, err := os.Create(filepath.Join(t.TempDir(), "dst"))
			check(t, err)
			defer f.Close()
			out, err := f.SyscallConn()
			check(t, err)
			n, err := call(out, in, move, 7, 1000)
			if unfit(err) {
				t.Skip("not on this file system: ", err)
			}
			fit++
			got, _ := os.ReadFile(f.Name())
			if err != nil || n == 0 || !bytes.Equal(got, data[7:7+n]) {
				t.Errorf("%d bytes, %v", n, err)
			}
		})
	}
	if fit == 0 && os.Getenv("CSTOR_REQUIRE_PEERS") == "1" {
		t.Error("the kernel moves nothing here")
	}
	t.Run("readWrite", func(t *testing.T) {
		t.Parallel()
		f, err := os.Create(filepath.Join(t.TempDir(), "dst"))
		check(t, err)
		defer f.Close()
		if n, err := readWrite(f, src, 7, 299_000, nil); n != 299_000 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if got, _ := os.ReadFile(f.Name()); !bytes.Equal(got, data[7:299_007]) {
			t.Error("other bytes")
		}
	})
}

func TestCopyErrors(t *testing.T) {
	t.Parallel()
	src, _ := content(t, 5000)
	f, err := os.Create(filepath.Join(t.TempDir(), "dst"))
	check(t, err)
	if n, err := Copy(f, src, 1000, 4001, nil); n != 4000 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a source that is too short: %d, %v", n, err)
	}
	var read *ReadError
	memory, err := os.Open("/proc/self/mem") // whose first page nobody may read
	check(t, err)
	defer memory.Close()
	if n, err := Copy(f, memory, 0, 5000, nil); n != 0 || !errors.Is(err, unix.EIO) || !errors.As(err, &read) {
		t.Errorf("a source that cannot be read: %d, %v", n, err)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	check(t, err)
	defer full.Close()
	if n, err := Copy(full, src, 0, 5000, nil); n != 0 || !errors.Is(err, unix.ENOSPC) || errors.As(err, &read) {
		t.Errorf("a destination that is full: %d, %v", n, err)
	}
	enough := errors.New("enough")
	if n, err := Copy(f, src, 0, 5000, func(int64) error { return enough }); n == 0 || !errors.Is(err, enough) {
		t.Errorf("told to end: %d, %v", n, err)
	}
	r, w, err := os.Pipe()
	check(t, err)
	check(t, r.Close())
	if _, err := Copy(w, src, 0, 5000, nil); !errors.Is(err, unix.EPIPE) {
		t.Errorf("a pipe without reader: %v", err)
	}
	check(t, f.Close())
	if n, err := Copy(f, src, 0, 5000, nil); n != 0 || err == nil {
		t.Errorf("closed: %d, %v", n, err)
	}
}
