package storetest

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
)

// index builds a list of images: stored with the image that was pulled through
// it, or as a record of its own.
func (b *builder) index(x Index) error {
	list := index{SchemaVersion: 2, MediaType: ociIndex, Manifests: []descriptor{}}
	if x.Format == "docker" {
		list.MediaType = dockerList
	}
	empty, err := json.Marshal(list)
	if err != nil {
		return err
	}
	sources := map[string]string{}
	for _, name := range x.Instances {
		img, err := b.Store.image(name)
		if err != nil {
			return err
		}
		p, err := parsePlatform(img.platform)
		if err != nil {
			return err
		}
		d := descriptor{MediaType: ociManifest, Digest: img.Digest, Size: int64(len(img.Manifest)), Platform: &p}
		if img.docker {
			d.MediaType = dockerManifest
		}
		list.Manifests = append(list.Manifests, d)
		sources[img.Digest] = fmt.Sprintf("containers-storage:[%s@%s+%s]%s", b.Driver, b.Root, b.RunRoot, img.Name)
	}
	data, err := json.Marshal(list)
	if err != nil {
		return err
	}
	if x.In != "" {
		return b.indexIn(x, data)
	}
	info := &ImageInfo{
		Name: x.Name, Names: []string{x.Name}, ID: hexOf([]byte("index " + x.Name)),
		Digest: Digest(data), Manifest: data,
		Record: filepath.Join(b.dir(b.imageRoot(), "images"), "images.json"),
	}
	// The record keeps the digest that the index had when it was created, and
	// that index was empty (common/libimage/manifests/manifests.go).
	info.record = imageRecord{ID: info.ID, Digest: Digest(empty), Names: info.Names, Created: b.opts.Time}
	sources[""] = info.ID
	instances, err := json.Marshal(sources)
	if err != nil {
		return err
	}
	return b.keepImage(info, [][2]string{
		{"manifest", string(data)}, {"instances.json", string(instances)}, {"artifacts.json", "{}"},
	})
}

// indexIn stores an index with one of its images, as the pull of a list does
// (container-libs image/storage/storage_dest.go:CommitWithOptions).
func (b *builder) indexIn(x Index, data []byte) error {
	info := b.images.byKey[x.In]
	if info == nil || !slices.Contains(x.Instances, x.In) {
		return fmt.Errorf("%q is not an instance in this store", x.In)
	}
	if !slices.Contains(info.Names, x.Name) {
		if b.images.byKey[x.Name] != nil {
			return fmt.Errorf("%q is defined twice", x.Name)
		}
		b.images.byKey[x.Name] = info
		info.Names = append([]string{x.Name}, info.Names...)
		info.record.Names = info.Names
		info.record.NamesHistory = append(info.record.NamesHistory, x.Name)
	}
	info.record.Digest = Digest(data)
	return info.putBigData("manifest-"+Digest(data), data)
}
