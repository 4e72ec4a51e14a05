package storetest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Fault damages a store that was built. Faults run in order, from Spec.Faults
// or Store.Apply, and fail if what they would damage is not there. They leave
// lock files alone: see Store.Written.
type Fault func(*Store) error

// forLayer is a Fault of one layer.
func forLayer(name string, do func(s *Store, l *LayerInfo) error) Fault {
	return func(s *Store) error {
		l, err := s.layer(name)
		if err != nil {
			return err
		}
		return do(s, l)
	}
}

// TruncateTarSplit cuts the (compressed) tar-split file of a layer to size
// bytes; a negative size is counted from the end.
func TruncateTarSplit(layer string, size int64) Fault {
	return forLayer(layer, func(_ *Store, l *LayerInfo) error { return resize(l.TarSplit, size) })
}

// RawTarSplit replaces a tar-split by lines, each followed by a newline.
func RawTarSplit(layer string, lines ...string) Fault {
	return forLayer(layer, func(_ *Store, l *LayerInfo) error {
		return os.WriteFile(l.TarSplit, compress([]byte(strings.Join(lines, "\n")+"\n")), 0o600)
	})
}

// BombTarSplit replaces a tar-split by one line that is a segment of about
// size bytes. The file is some thousand times smaller.
func BombTarSplit(layer string, size int64) Fault {
	return forLayer(layer, func(_ *Store, l *LayerInfo) error {
		// A gzip file is a list of members: repeating one is quick.
		const block = 1 << 20
		var member bytes.Buffer
		w, err := gzip.NewWriterLevel(&member, gzip.BestCompression)
		if err != nil {
			return err
		}
		_, err = w.Write(bytes.Repeat([]byte("A"), block))
		if err := errors.Join(err, w.Close()); err != nil {
			return err
		}
		data := compress([]byte(`{"type":2,"payload":"`))
		for range (size + block - 1) / block {
			data = append(data, member.Bytes()...)
		}
		data = append(data, compress([]byte("\",\"position\":0}\n"))...)
		return os.WriteFile(l.TarSplit, data, 0o600)
	})
}

// RemoveTarSplit deletes a tar-split file.
func RemoveTarSplit(layer string) Fault {
	return forLayer(layer, func(_ *Store, l *LayerInfo) error { return os.Remove(l.TarSplit) })
}

// RemoveFile deletes the file or directory name of a layer.
func RemoveFile(layer, name string) Fault {
	return replace(layer, name, func(string) error { return nil })
}

// ReplaceFile puts a regular file with this content in the place of name.
func ReplaceFile(layer, name, content string) Fault {
	return replace(layer, name, func(path string) error { return os.WriteFile(path, []byte(content), 0o644) })
}

// ReplaceWithFIFO puts a named pipe in the place of name.
func ReplaceWithFIFO(layer, name string) Fault {
	return replace(layer, name, func(path string) error { return unix.Mkfifo(path, 0o644) })
}

// ReplaceWithLink puts a symbolic link in the place of name.
func ReplaceWithLink(layer, name, target string) Fault {
	return replace(layer, name, func(path string) error { return os.Symlink(target, path) })
}

// replace removes name and lets put fill its place. The folder keeps its mode.
func replace(layer, name string, put func(path string) error) Fault {
	return forLayer(layer, func(_ *Store, l *LayerInfo) error {
		path, err := l.Path(name)
		if err != nil {
			return err
		}
		if _, err := os.Lstat(path); err != nil {
			return err
		}
		return unlocked(filepath.Dir(path), func() error {
			return errors.Join(os.RemoveAll(path), put(path))
		})
	})
}

// unlocked calls do while dir can be written to.
func unlocked(dir string, do func() error) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return err
	}
	err = do()
	return errors.Join(err, os.Chmod(dir, info.Mode()))
}

// ResizeFile makes the regular file name shorter or longer, with zeros; a
// negative size is counted from the end.
func ResizeFile(layer, name string, size int64) Fault {
	return forLayer(layer, func(_ *Store, l *LayerInfo) error {
		path, err := l.Path(name)
		if err != nil {
			return err
		}
		return resize(path, size)
	})
}

func resize(path string, size int64) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	if size < 0 {
		size += info.Size()
	}
	return writable(path, info, func() error { return os.Truncate(path, size) })
}

// CorruptFile changes the last byte of the regular file name.
func CorruptFile(layer, name string) Fault {
	return forLayer(layer, func(_ *Store, l *LayerInfo) error {
		path, err := l.Path(name)
		if err != nil {
			return err
		}
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() || info.Size() == 0 {
			return fmt.Errorf("%s has no content", path)
		}
		return writable(path, info, func() error {
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			last := make([]byte, 1)
			if _, err := f.ReadAt(last, info.Size()-1); err != nil {
				return err
			}
			last[0] ^= 0xff
			_, err = f.WriteAt(last, info.Size()-1)
			return err
		})
	})
}

// writable calls do while the regular file path can be read and written.
func writable(path string, info os.FileInfo, do func() error) error {
	if err := os.Chmod(path, 0o600); err != nil {
		return err
	}
	err := do()
	return errors.Join(err, os.Chmod(path, info.Mode()))
}

// editRecords changes the records of a JSON file; edit gets one record by its
// id and returns false to drop it.
func editRecords(path, id string, edit func(map[string]any) (keep bool)) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var records []map[string]any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&records); err != nil {
		return err
	}
	i := slices.IndexFunc(records, func(r map[string]any) bool { return r["id"] == id })
	if i < 0 {
		return fmt.Errorf("%s has no record %q", path, id)
	}
	record := maps.Clone(records[i])
	records[i] = record
	if !edit(record) {
		records = slices.Delete(records, i, i+1)
	}
	return writeJSON(path, records)
}
