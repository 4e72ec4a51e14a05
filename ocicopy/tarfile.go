package ocicopy

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/cstor-go/cstor/ocisource"
)

// tarFile is a tar that is written in several places at once: who knows the size of an
// entry reserves its room, and fills it while others do the same.
type tarFile struct {
	*part
	final  string // its name in the end
	spool  string // a folder for what has no known size
	target string // what is written to at the end, if it is not a regular file
	sync   bool   // before it gets its name

	mu   sync.Mutex
	end  int64
	have map[digest.Digest]bool // blobs that are in it, or are being written
}

// createTar begins the file: beside where it will be, or, if that is a FIFO or a device,
// in the spool.
func createTar(name string, opts Options, images []Image) (*tarFile, error) {
	if name == "" {
		return nil, fmt.Errorf("%w: the name of the file is empty", ErrDestination)
	}
	dir := filepath.Dir(name)
	t := &tarFile{spool: opts.Source.Spool, sync: opts.Sync, have: map[digest.Digest]bool{}}
	st, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Lstat(name); err == nil {
			return nil, &fs.PathError{Op: "write", Path: name, Err: errors.New("a link that leads nowhere")}
		}
	case err != nil:
		return nil, err
	case st.IsDir():
		return nil, &fs.PathError{Op: "write", Path: name, Err: errors.New("it is a directory")}
	case !st.Mode().IsRegular():
		t.target = name
		if dir = opts.Source.Spool; dir == "" {
			dir = ocisource.DefaultSpool()
		}
	default: // behind a link, perhaps
		if name, err = filepath.EvalSymlinks(name); err != nil {
			return nil, err
		}
		dir = filepath.Dir(name)
	}
	if err := outside(dir, images); err != nil {
		return nil, err
	}
	if t.spool == "" {
		t.spool = dir
	} else if err := outside(t.spool, images); err != nil {
		return nil, err
	}
	f, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	if t.part, err = f.create(); err == nil && st != nil && t.target == "" {
		if err = t.Chmod(st.Mode().Perm()); err != nil { // as it was
			t.drop()
		}
	}
	if err != nil {
		_ = f.close() // nothing was written to a directory
		return nil, err
	}
	t.final = filepath.Base(name)
	return t, nil
}

// reserve writes the header of an entry of known size, and returns where the content goes.
func (t *tarFile) reserve(name string, size int64) (io.Writer, error) {
	var head bytes.Buffer
	w := tar.NewWriter(&head)
	// The same images make the same archive: no times, no owners.
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o444, Format: tar.FormatUnknown}); err != nil {
		return nil, err
	}
	t.mu.Lock()
	at := t.end
	content := at + int64(head.Len())
	t.end = content + (size+511)/512*512
	t.mu.Unlock()
	if _, err := t.WriteAt(head.Bytes(), at); err != nil {
		return nil, err
	}
	return &window{file: t.File, at: content, left: size}, nil
}

// window is the room of one entry.
type window struct {
	file     *os.File
	at, left int64
}

var errTooLong = errors.New("more than was announced")

func (w *window) Write(p []byte) (int, error) {
	if int64(len(p)) > w.left {
		return 0, errTooLong
	}
	n, err := w.file.WriteAt(p, w.at)
	w.at += int64(n)
	w.left -= int64(n)
	return n, err
}

// add writes a small entry.
func (t *tarFile) add(name string, raw []byte) error {
	w, err := t.reserve(name, int64(len(raw)))
	if err == nil {
		_, err = w.Write(raw)
	}
	return err
}

// once reports whether a blob has to be written, to the first who asks.
func (t *tarFile) once(d digest.Digest) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	had := t.have[d]
	t.have[d] = true
	return !had
}

// layer writes a layer, straight into its place if its size is known.
func (t *tarFile) layer(ctx context.Context, l *ocisource.Layer, name func(digest.Digest) string, progress func(int64)) (v1.Descriptor, bool, error) {
	if d, ok := l.Descriptor(); ok {
		if !t.once(d.Digest) {
			return d, true, nil
		}
		w, err := t.reserve(name(d.Digest), d.Size)
		if err == nil {
			d, err = l.Write(ctx, w, progress)
		}
		return d, false, err
	}
	spool, err := openFolder(t.spool)
	if err != nil {
		return v1.Descriptor{}, false, err
	}
	defer func() { _ = spool.close() }() // nothing was written to a directory
	p, err := spool.create()
	if err != nil {
		return v1.Descriptor{}, false, err
	}
	defer p.drop()
	d, err := l.Write(ctx, p.File, progress)
	if err != nil {
		return d, false, err
	}
	if !t.once(d.Digest) {
		return d, true, nil
	}
	return d, false, t.take(p.File, name(d.Digest), d.Size)
}

// take copies a file that was written before.
func (t *tarFile) take(from *os.File, name string, size int64) error {
	w, err := t.reserve(name, size)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, io.NewSectionReader(from, 0, size))
	return err
}

// finish ends the tar and gives it its name.
func (t *tarFile) finish(ctx context.Context) error {
	// Two blocks of zeros (POSIX pax, "ustar Interchange Format").
	if err := t.Truncate(t.end + 1024); err != nil {
		return err
	}
	if t.target != "" {
		return t.pass(ctx)
	}
	if t.sync {
		if err := t.Sync(); err != nil {
			return err
		}
	}
	return t.commit(t.in, t.final)
}

func (t *tarFile) close() error {
	t.drop()
	return t.in.close()
}
