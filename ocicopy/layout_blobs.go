package ocicopy

import (
	"bytes"
	"context"
	"io"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// algorithm is the folder of the blobs with digests of one algorithm.
func (s *layoutSession) algorithm(d digest.Digest) (*folder, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := d.Algorithm()
	if f := s.algorithms[a]; f != nil {
		return f, nil
	}
	f, err := s.blobs.sub(a.String())
	if err == nil {
		s.algorithms[a] = f
	}
	return f, err
}

func (s *layoutSession) commit(p *part, d digest.Digest) error {
	f, err := s.algorithm(d)
	if err == nil && s.sync {
		err = p.Sync()
	}
	if err == nil {
		err = p.commit(f, d.Encoded())
	}
	if err == nil {
		s.mu.Lock()
		s.checked[d] = true
		s.mu.Unlock()
	}
	return err
}

// putBytes writes a small blob, unless it is there.
func (s *layoutSession) putBytes(d digest.Digest, raw []byte) error {
	f, err := s.algorithm(d)
	if err != nil {
		return err
	}
	if file, size, err := f.open(d.Encoded()); err == nil {
		defer file.Close()
		if size == int64(len(raw)) {
			have := make([]byte, size)
			if _, err := io.ReadFull(file, have); err == nil && bytes.Equal(have, raw) {
				return nil
			}
		}
	}
	return f.write(d.Encoded(), raw)
}

// has reports whether a blob is there and is right. It is read, since a layer is rebuilt
// about as fast as that, and a wrong one would never be found out.
func (s *layoutSession) has(ctx context.Context, d v1.Descriptor, progress func(int64)) (bool, error) {
	s.mu.Lock()
	checked := s.checked[d.Digest]
	s.mu.Unlock()
	if checked {
		return true, nil
	}
	f, err := s.algorithm(d.Digest)
	if err != nil {
		return false, err
	}
	file, size, err := f.open(d.Digest.Encoded())
	if err != nil || size != d.Size {
		if err == nil {
			_ = file.Close() // was only read
		}
		return false, nil // whatever is there is replaced, or cannot be
	}
	defer file.Close()
	sum := d.Digest.Algorithm().Digester()
	buf := make([]byte, 256<<10)
	for at := int64(0); at < size; {
		n, err := file.Read(buf)
		if err != nil {
			progress(-at)
			return false, nil // as above
		}
		sum.Hash().Write(buf[:n]) // never fails
		progress(int64(n))
		at += int64(n)
		if err := context.Cause(ctx); err != nil {
			return false, err
		}
	}
	if sum.Digest() != d.Digest {
		progress(-size)
		return false, nil
	}
	s.mu.Lock()
	s.checked[d.Digest] = true
	s.mu.Unlock()
	return true, nil
}
