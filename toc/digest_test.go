package toc_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/opencontainers/go-digest"

	"github.com/cstor-go/cstor/toc"
)

// onDisk are n files with content.
func onDisk(t *testing.T, n int) []toc.File {
	t.Helper()
	dir := t.TempDir()
	var files []toc.File
	for i := range n {
		text := strings.Repeat(fmt.Sprint(i), i%70*100)
		path := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, toc.File{
			Entry: &toc.Entry{Name: text, Type: toc.TypeReg, Size: int64(len(text))},
			Open:  func() (*os.File, error) { return os.Open(path) },
		})
	}
	return files
}

func given(files []toc.File, end error) iter.Seq2[toc.File, error] {
	return func(yield func(toc.File, error) bool) {
		for _, f := range files {
			if !yield(f, nil) {
				return
			}
		}
		if end != nil {
			yield(toc.File{}, end)
		}
	}
}

func TestDigests(t *testing.T) {
	t.Parallel()
	files := onDisk(t, 1000)
	known := digest.FromString("known already")
	files[7].Digest, files[7].Open = known, nil
	files[8] = toc.File{Entry: &toc.Entry{Name: "d/", Type: toc.TypeDir}}
	var want, read int64
	for i, f := range files {
		if i != 7 {
			want += f.Size
		}
	}
	n := 0
	opts := toc.DigestOptions{Progress: func(bytes int64) { atomic.AddInt64(&read, bytes) }}
	for e, err := range toc.Digests(t.Context(), given(files, nil), opts) {
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case e != files[n].Entry:
			t.Fatalf("entry %d is another", n)
		case n == 7 && e.Digest != known, n == 8 && e.Digest != "", n != 7 && n != 8 && e.Digest != digest.FromString(e.Name):
			t.Errorf("entry %d: %s", n, e.Digest)
		}
		n++
	}
	if n != len(files) || read != want {
		t.Errorf("%d entries, %d bytes, want %d", n, read, want)
	}
}

func TestDigestsErrors(t *testing.T) {
	t.Parallel()
	end := errors.New("end")
	for name, test := range map[string]struct {
		edit func([]toc.File) error // what comes behind the files
		want error                  // nil: any
	}{
		"of the entries": {func([]toc.File) error { return end }, end},
		"of opening":     {func(f []toc.File) error { f[50].Open = func() (*os.File, error) { return nil, end }; return nil }, end},
		"short":          {func(f []toc.File) error { f[50].Size++; return nil }, nil},
		"long":           {func(f []toc.File) error { f[50].Size--; return nil }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := onDisk(t, 100)
			after := test.edit(files)
			var last error
			for e, err := range toc.Digests(t.Context(), given(files, after), toc.DigestOptions{}) {
				if last != nil || (e == nil) == (err == nil) {
					t.Fatalf("%v, %v after %v", e, err, last)
				}
				last = err
			}
			if last == nil || test.want != nil && !errors.Is(last, test.want) {
				t.Errorf("error %v", last)
			}
		})
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var last error
	for _, err := range toc.Digests(ctx, given(onDisk(t, 1000), nil), toc.DigestOptions{}) {
		cancel(end)
		last = err
	}
	if !errors.Is(last, end) {
		t.Errorf("cancelled: %v", last)
	}
}

// TestDigestsStopped: who breaks off leaves nothing running, and most files closed.
func TestDigestsStopped(t *testing.T) {
	t.Parallel()
	files := onDisk(t, 2000)
	var opened atomic.Int64
	for i := range files {
		if open := files[i].Open; open != nil {
			files[i].Open = func() (*os.File, error) {
				opened.Add(1)
				return open()
			}
		}
	}
	synctest.Test(t, func(t *testing.T) { // fails if a goroutine is left
		for range toc.Digests(t.Context(), given(files, nil), toc.DigestOptions{}) {
			break
		}
	})
	if n := opened.Load(); n > 1000 {
		t.Errorf("%d files were opened for one entry", n)
	}
}
