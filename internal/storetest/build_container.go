package storetest

import (
	"encoding/json"
	"os"
	"path/filepath"
)

// containerRoot is where records of volatile containers go, and all of a
// transient store.
func (s *Store) containerRoot() string {
	if s.opts.Transient {
		return s.RunRoot
	}
	return s.Root
}

// container builds a container record, and an empty layer if it names none.
func (b *builder) container(c Container) error {
	info := &ContainerInfo{Name: c.Name, ID: hexOf([]byte("container " + c.Name))}
	metadata := map[string]any{"name": c.Name, "created-at": b.opts.Time.Unix()}
	parent := ""
	if c.Image != "" {
		img, err := b.Store.image(c.Image)
		if err != nil {
			return err
		}
		info.Image = img.ID
		metadata["image-id"] = img.ID
		metadata["image-name"] = img.Name
		if img.top != nil {
			parent = img.top.Name
		}
	}
	if c.Layer == "" {
		// podman names the layer so.
		c.Layer = c.Name + "-layer"
		l := Layer{Name: c.Layer, Parent: parent, Names: []string{c.Layer}, Container: true, Volatile: c.Volatile}
		if err := b.layer(l); err != nil {
			return err
		}
	}
	layer, err := b.Store.layer(c.Layer)
	if err != nil {
		return err
	}
	info.Layer = *layer
	text, err := json.Marshal(metadata)
	if err != nil {
		return err
	}
	r := containerRecord{
		ID: info.ID, Names: []string{c.Name}, Image: info.Image, Layer: layer.ID, Metadata: string(text),
		Created: b.opts.Time, Flags: map[string]any{"MountLabel": "", "ProcessLabel": ""},
	}
	root, file := b.Root, "containers.json"
	if c.Volatile || b.opts.Transient {
		r.Flags["Volatile"] = true
		root, file = b.containerRoot(), "volatile-containers.json"
	}
	info.Record = filepath.Join(b.dir(root, "containers"), file)
	b.containerFiles[info.Record] = append(b.containerFiles[info.Record], r)
	if err := os.MkdirAll(filepath.Join(b.dir(b.Root, "containers"), info.ID, "userdata"), 0o700); err != nil {
		return err
	}
	return b.containers.add(info, c.Name)
}
