package storetest

import (
	"fmt"
	"os"
	"path/filepath"
)

// EditLayer changes the record of a layer; numbers in it are json.Number.
func EditLayer(layer string, edit func(record map[string]any)) Fault {
	return forLayer(layer, func(_ *Store, l *LayerInfo) error {
		return editRecords(l.Record, l.ID, func(r map[string]any) bool { edit(r); return true })
	})
}

// EditImage changes the record of an image.
func EditImage(image string, edit func(record map[string]any)) Fault {
	return func(s *Store) error {
		i, err := s.image(image)
		if err != nil {
			return err
		}
		return editRecords(i.Record, i.ID, func(r map[string]any) bool { edit(r); return true })
	}
}

// EditContainer changes the record of a container.
func EditContainer(container string, edit func(record map[string]any)) Fault {
	return func(s *Store) error {
		c, err := s.container(container)
		if err != nil {
			return err
		}
		return editRecords(c.Record, c.ID, func(r map[string]any) bool { edit(r); return true })
	}
}

// DropLayer removes the record of a layer; its tree stays.
func DropLayer(layer string) Fault {
	return forLayer(layer, func(_ *Store, l *LayerInfo) error {
		return editRecords(l.Record, l.ID, func(map[string]any) bool { return false })
	})
}

// SetParent records parent as the parent of layer: a layer above makes a
// cycle, and a name that no layer has is recorded as it is.
func SetParent(layer, parent string) Fault {
	return func(s *Store) error {
		id := parent
		if p, err := s.layer(parent); err == nil {
			id = p.ID
		}
		return EditLayer(layer, func(r map[string]any) { r["parent"] = id })(s)
	}
}

// RemoveLink deletes overlay/l/LINK of a layer.
func RemoveLink(layer string) Fault {
	return forLayer(layer, func(_ *Store, l *LayerInfo) error { return os.Remove(l.linkPath()) })
}

// SetLink lets overlay/l/LINK of a layer point to target.
func SetLink(layer, target string) Fault {
	return forLayer(layer, func(_ *Store, l *LayerInfo) error {
		if err := os.Remove(l.linkPath()); err != nil {
			return err
		}
		return os.Symlink(target, l.linkPath())
	})
}

func (l *LayerInfo) linkPath() string { return filepath.Join(filepath.Dir(l.Dir), "l", l.Link) }

// SetLower writes text as the file "lower" of a layer.
func SetLower(layer, text string) Fault { return setLayerFile(layer, "lower", text) }

// SetLowerLayers writes text as the file "lower-layers" of a layer.
func SetLowerLayers(layer, text string) Fault { return setLayerFile(layer, "lower-layers", text) }

func setLayerFile(layer, name, text string) Fault {
	return forLayer(layer, func(_ *Store, l *LayerInfo) error {
		return os.WriteFile(filepath.Join(l.Dir, name), []byte(text), 0o644)
	})
}

// SetBigData replaces or adds the file of a big data item of an image; the
// record stays as it was.
func SetBigData(image, key, content string) Fault {
	return func(s *Store) error {
		i, err := s.image(image)
		if err != nil {
			return err
		}
		return writeFile(filepath.Join(i.Dir, BigDataName(key)), []byte(content), 0o600)
	}
}

// RemoveBigData deletes the file of a big data item of an image. The key
// "config" stands for the config's.
func RemoveBigData(image, key string) Fault {
	return func(s *Store) error {
		i, err := s.image(image)
		if err != nil {
			return err
		}
		if key == "config" {
			key = Digest(i.Config)
		}
		return os.Remove(filepath.Join(i.Dir, BigDataName(key)))
	}
}

// WriteFile writes any file of the store; path is relative to its root.
func WriteFile(path, content string) Fault {
	return func(s *Store) error { return writeFile(filepath.Join(s.Root, path), []byte(content), 0o600) }
}

// Delete removes any file or folder of the store; path is relative to its root.
func Delete(path string) Fault {
	return func(s *Store) error {
		full := filepath.Join(s.Root, path)
		if _, err := os.Lstat(full); err != nil {
			return err
		}
		makeRemovable(full)
		return os.RemoveAll(full)
	}
}

// Path is where the entry name lies on disk: the file itself, the object in a
// flat layer. Links among the parents are not followed.
func (l *LayerInfo) Path(name string) (string, error) {
	if !l.flat {
		return filepath.Join(l.Diff, place(name)), nil
	}
	for range 2 { // a hard link leads to a file
		for _, e := range l.Entries {
			if place(e.Name) != place(name) {
				continue
			}
			if e.Linkname == "" {
				return filepath.Join(l.Diff, ObjectName(e.Content)), nil
			}
			name = e.Linkname
			break
		}
	}
	return "", fmt.Errorf("layer %q has no file %q", l.Name, name)
}
