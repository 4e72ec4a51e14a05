package tarsplit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
)

// sources demands that every way to have a tar from a new reader gives want.
func sources(t *testing.T, name, want string, open func() *Reader) {
	t.Helper()
	everyWayOf(open, func(way, tar string, err error) {
		if err != nil || tar != want {
			t.Errorf("%s, %s: %d bytes of %d, equal %t, %v", name, way, len(tar), len(want), tar == want, err)
		}
	})
}

// everyWayOf gives what comes of each way to have a tar from a new reader.
func everyWayOf(open func() *Reader, got func(way, tar string, err error)) {
	for way, read := range map[string]func(r *Reader, b *bytes.Buffer) error{
		"Read": func(r *Reader, b *bytes.Buffer) error { _, err := b.ReadFrom(struct{ io.Reader }{r}); return err },
		"Read a little": func(r *Reader, b *bytes.Buffer) error {
			_, err := b.ReadFrom(iotest.HalfReader(struct{ io.Reader }{r}))
			return err
		},
		"Copy": func(r *Reader, b *bytes.Buffer) error { _, err := r.WriteTo(b); return err },
		"Copy with hash": func(r *Reader, b *bytes.Buffer) error {
			sum := sha256.New()
			_, err := r.Copy(context.Background(), b, CopyOptions{Hash: sum})
			if err == nil && [sha256.Size]byte(sum.Sum(nil)) != sha256.Sum256(b.Bytes()) {
				err = errors.New("hashed something else")
			}
			return err
		},
		"Copy into a file": toFile,
		"Read, then Copy": func(r *Reader, b *bytes.Buffer) error {
			if _, err := io.CopyN(b, struct{ io.Reader }{r}, 700); err != nil {
				return notEnd(err)
			}
			_, err := r.WriteTo(b)
			return err
		},
		"Next": func(r *Reader, b *bytes.Buffer) error { return nexts(r, b, 0) },
		"Read, then Next": func(r *Reader, b *bytes.Buffer) error {
			if _, err := io.CopyN(b, struct{ io.Reader }{r}, 700); err != nil {
				return notEnd(err)
			}
			return nexts(r, b, 0)
		},
		"Next and Read": func(r *Reader, b *bytes.Buffer) error { return nexts(r, b, 3) },
	} {
		var b bytes.Buffer
		r := open()
		err := read(r, &b)
		if err == nil && r.Offset() != int64(b.Len()) {
			err = errors.New("another offset than bytes")
		}
		_ = r.Close()
		got(way, b.String(), err)
	}
}

func notEnd(err error) error {
	if err == io.EOF { //nolint:errorlint // exactly io.EOF is the contract
		return nil
	}
	return err
}

// nexts takes all items, and reads so many bytes before each.
func nexts(r *Reader, b *bytes.Buffer, before int64) error {
	for {
		if _, err := io.CopyN(b, struct{ io.Reader }{r}, before); err != nil {
			return notEnd(err)
		}
		item, err := r.Next()
		if err != nil {
			return notEnd(err)
		}
		if b.Write(item.Bytes); item.File == nil {
			continue
		}
		at, err := item.File.Seek(0, io.SeekCurrent)
		if err == nil && at != item.Offset {
			err = errors.New("the file does not stand at its offset")
		}
		if err == nil {
			_, err = io.CopyN(b, item.File, item.Size)
		}
		if err = errors.Join(err, item.File.Close()); err != nil {
			return err
		}
	}
}

// toFile lets the kernel copy.
func toFile(r *Reader, b *bytes.Buffer) error {
	dir, err := os.MkdirTemp("", "tarsplit-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		return err
	}
	defer out.Close()
	_, copyErr := r.WriteTo(out)
	if _, err = out.Seek(0, io.SeekStart); err == nil {
		_, err = b.ReadFrom(out)
	}
	return errors.Join(copyErr, err)
}
