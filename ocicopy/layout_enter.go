package ocicopy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"
)

// enter makes the directory a layout, or finds that it is one. If another copy removes it
// meanwhile, the error matches fs.ErrNotExist.
func (s *layoutSession) enter(ctx context.Context) error {
	err := s.checkVersion()
	if errors.Is(err, fs.ErrNotExist) {
		err = s.makeLayout()
	}
	if err != nil {
		return err
	}
	unlock, err := s.dir.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := s.checkVersion(); err != nil { // it may be gone again
		return err
	}
	if _, err := s.readIndex(); err != nil { // so as to fail before anything is copied
		return err
	}
	if s.blobs, err = s.dir.sub(v1.ImageBlobsDir); err != nil {
		return err
	}
	if err := flock(ctx, s.blobs.fd(), unix.LOCK_SH); ctx.Err() != nil {
		return err
	}
	return nil // without such locks, nobody removes anything
}

func (s *layoutSession) checkVersion() error {
	file, _, err := s.dir.open(layoutFile)
	if err != nil {
		return err
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, 64<<10))
	if err != nil {
		return err
	}
	var l v1.ImageLayout
	if err := json.Unmarshal(raw, &l); err != nil {
		return fmt.Errorf("%w: %s: %s: %w", ErrNotLayout, s.dir.path, layoutFile, err)
	}
	if l.Version != v1.ImageLayoutVersion {
		return fmt.Errorf("%w: %s: version %.100q, and %s was expected", ErrNotLayout, s.dir.path, l.Version, v1.ImageLayoutVersion)
	}
	return nil
}

// makeLayout makes an empty directory a layout. Another copy may do so at the same time,
// which makes its layout file first of all.
func (s *layoutSession) makeLayout() error {
	names, err := s.dir.file.Readdirnames(1)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if len(names) > 0 {
		if err := s.checkVersion(); !errors.Is(err, fs.ErrNotExist) {
			return err // nil, if it was made meanwhile
		}
		return fmt.Errorf("%w: %s: there is no file %q, but %q", ErrNotLayout, s.dir.path, layoutFile, names[0])
	}
	raw, err := json.Marshal(v1.ImageLayout{Version: v1.ImageLayoutVersion})
	if err != nil {
		return err
	}
	return s.dir.write(layoutFile, raw)
}

// Close implements [Session].
func (s *layoutSession) Close() error {
	if s.dir == nil {
		return nil
	}
	if s.made != "" {
		s.remove()
	}
	folders := []*folder{s.dir, s.blobs}
	for _, f := range s.algorithms {
		folders = append(folders, f)
	}
	for _, f := range folders {
		if f != nil {
			_ = f.close() // nothing was written to a directory
		}
	}
	return nil
}

// remove removes what we made, if nothing else is in it and nobody else is there: whoever
// comes now has to wait for the lock, and then finds that the layout is gone.
func (s *layoutSession) remove() {
	once, cancel := context.WithCancel(context.Background())
	cancel()
	unlock, err := s.dir.lock(once)
	if err != nil {
		return
	}
	defer unlock()
	path := s.dir.path
	if !s.dir.is(path) {
		return
	}
	if s.blobs != nil {
		if unix.Flock(s.blobs.fd(), unix.LOCK_EX|unix.LOCK_NB) != nil {
			return
		}
		for algorithm := range s.algorithms {
			_ = os.Remove(filepath.Join(path, v1.ImageBlobsDir, algorithm.String()))
		}
		_ = os.Remove(filepath.Join(path, v1.ImageBlobsDir))
	}
	names, err := os.ReadDir(path)
	if err != nil || len(names) > 1 || len(names) == 1 && names[0].Name() != layoutFile {
		return
	}
	_ = os.Remove(filepath.Join(path, layoutFile))
	for at := filepath.Clean(path); os.Remove(at) == nil && at != s.made; {
		at = filepath.Dir(at)
	}
}

// is reports whether the folder has that name still.
func (f *folder) is(path string) bool {
	have, err := f.file.Stat()
	named, nerr := os.Stat(path)
	return err == nil && nerr == nil && os.SameFile(have, named)
}
