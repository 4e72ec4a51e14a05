package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/storage"

	"github.com/cstor-go/cstor/conformance/bench/corpora"
)

// fill makes a store in dir that holds the corpus as an image.
func fill(corpus corpora.Corpus, dir string) (d corpora.Description, err error) {
	store, err := storage.GetStore(storage.StoreOptions{
		GraphRoot: corpora.Root(dir), RunRoot: corpora.RunRoot(dir), GraphDriverName: "overlay",
	})
	if err != nil {
		return d, err
	}
	defer func() {
		_, e := store.Shutdown(true)
		err = errors.Join(err, e)
	}()
	d.Image = "localhost/" + corpus.Name + ":latest"
	parent := ""
	for n := range corpus.Layers() {
		layer, err := putLayer(store, corpus, n, parent)
		if err != nil {
			return d, err
		}
		d.Layers = append(d.Layers, layer)
		parent = layer.ID
	}
	return d, putImage(store, d)
}

// putLayer lets the library unpack a layer while it is being made.
func putLayer(store storage.Store, corpus corpora.Corpus, n int, parent string) (corpora.Layer, error) {
	r, w := io.Pipe()
	entries := make(chan int, 1)
	go func() {
		count, err := corpus.WriteLayer(w, n)
		entries <- count
		w.CloseWithError(err)
	}()
	id := fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%s %d", corpus.Name, n)))
	layer, _, err := store.PutLayer(id, parent, nil, "", false, nil, r)
	_ = r.CloseWithError(errors.Join(err, io.ErrClosedPipe)) // ends the goroutine, if the library did not read all
	count := <-entries
	if err != nil {
		return corpora.Layer{}, fmt.Errorf("layer %d of %s: %w", n, corpus.Name, err)
	}
	return corpora.Layer{ID: id, DiffID: layer.UncompressedDigest.String(), Size: layer.UncompressedSize, Entries: count}, nil
}

// putImage adds the image with the records that copying one into a store leaves there.
func putImage(store storage.Store, d corpora.Description) error {
	created := time.Unix(1600000000, 0).UTC()
	config := v1.Image{
		Created:  &created,
		Platform: v1.Platform{Architecture: "amd64", OS: "linux"},
		RootFS:   v1.RootFS{Type: "layers"},
	}
	manifest := v1.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: v1.MediaTypeImageManifest}
	for _, l := range d.Layers {
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, digest.Digest(l.DiffID))
		config.History = append(config.History, v1.History{Created: &created})
		manifest.Layers = append(manifest.Layers, v1.Descriptor{MediaType: v1.MediaTypeImageLayer, Digest: digest.Digest(l.DiffID), Size: l.Size})
	}
	rawConfig, err := json.Marshal(config)
	if err != nil {
		return err
	}
	configDigest := digest.FromBytes(rawConfig)
	manifest.Config = v1.Descriptor{MediaType: v1.MediaTypeImageConfig, Digest: configDigest, Size: int64(len(rawConfig))}
	raw, err := json.Marshal(manifest)
	if err != nil {
		return err
	}
	manifestDigest := digest.FromBytes(raw)
	_, err = store.CreateImage(configDigest.Encoded(), []string{d.Image}, d.Layers[len(d.Layers)-1].ID, "", &storage.ImageOptions{
		CreationDate: created,
		Digest:       manifestDigest,
		BigData: []storage.ImageBigDataOption{
			{Key: configDigest.String(), Data: rawConfig, Digest: configDigest},
			{Key: storage.ImageDigestManifestBigDataNamePrefix + "-" + manifestDigest.String(), Data: raw, Digest: manifestDigest},
			{Key: storage.ImageDigestBigDataKey, Data: raw, Digest: manifestDigest},
		},
	})
	return err
}
