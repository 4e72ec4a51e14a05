package ocicopy_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/ocicopy"
	"github.com/cstor-go/cstor/ocisource"
)

// TestFIFOCanceled: an archive ends with its context where nobody reads the FIFO, and where
// somebody has stopped reading it.
func TestFIFOCanceled(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, two, storetest.Options{})
	images := []ocicopy.Image{{Image: image(t, open(t, made), "one:1"), Ref: "r"}}
	for _, reader := range []bool{false, true} {
		dir := t.TempDir()
		fifo := filepath.Join(dir, "fifo")
		check(t, unix.Mkfifo(fifo, 0o600))
		ctx, cancel := context.WithCancelCause(t.Context())
		enough := errors.New("enough")
		ended := make(chan error, 1)
		go func() {
			_, err := ocicopy.Copy(ctx, images, ocicopy.OCIArchive{File: fifo}, ocicopy.Options{Source: ocisource.Options{Spool: dir}})
			ended <- err
		}()
		if reader {
			r, err := os.OpenFile(fifo, os.O_RDWR, 0) // does not wait for a writer
			check(t, err)
			defer r.Close()
			_, err = io.CopyN(io.Discard, r, 1000)
			check(t, err)
		}
		time.Sleep(100 * time.Millisecond) // until it waits
		cancel(enough)
		select {
		case err := <-ended:
			if !errors.Is(err, enough) {
				t.Errorf("reader %t: %v", reader, err)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("reader %t: it waits on", reader)
		}
		if !reader {
			// Nor is anything left that waits for a reader: it would write now.
			r, err := os.OpenFile(fifo, os.O_RDONLY|unix.O_NONBLOCK, 0)
			check(t, err)
			time.Sleep(50 * time.Millisecond)
			if n, err := r.Read(make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) {
				t.Errorf("somebody has the FIFO open: %d, %v", n, err)
			}
			check(t, r.Close())
		}
	}
}

// TestSpoolInStore: layers of unknown size are not kept in a store meanwhile.
func TestSpoolInStore(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, two, storetest.Options{})
	images := []ocicopy.Image{{Image: image(t, open(t, made), "one:1"), Ref: "r"}}
	dir := t.TempDir()
	for _, spool := range []string{filepath.Join(made.Root, "overlay"), filepath.Join(made.Root, "new")} {
		for _, to := range []ocicopy.Destination{ocicopy.OCIArchive{File: filepath.Join(dir, "a")}, ocicopy.DockerArchive{File: filepath.Join(dir, "a")}} {
			_, err := ocicopy.Copy(t.Context(), images, to, ocicopy.Options{Source: ocisource.Options{Spool: spool}})
			if !errors.Is(err, ocicopy.ErrInStore) || !strings.Contains(err.Error(), spool) {
				t.Errorf("%s: %v", spool, err)
			}
		}
	}
	opts := ocicopy.Options{Source: ocisource.Options{Spool: made.Root, Compression: ocisource.Gzip}}
	if _, err := ocicopy.Copy(t.Context(), images, ocicopy.OCIArchive{File: filepath.Join(dir, "a")}, opts); !errors.Is(err, ocicopy.ErrInStore) {
		t.Errorf("compressed: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
