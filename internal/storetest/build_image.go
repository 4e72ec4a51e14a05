package storetest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// imageConfig is the config of an image (OCI image-spec config.md), as far as
// we fill it.
type imageConfig struct {
	Created      time.Time    `json:"created"`
	Architecture string       `json:"architecture"`
	Variant      string       `json:"variant,omitempty"`
	OS           string       `json:"os"`
	Config       runConfig    `json:"config"`
	RootFS       rootFS       `json:"rootfs"`
	History      []historyRow `json:"history"`
}

type runConfig struct {
	Env    []string          `json:"Env,omitempty"`
	Cmd    []string          `json:"Cmd,omitempty"`
	Labels map[string]string `json:"Labels,omitempty"`
}

type rootFS struct {
	Type    string   `json:"type"`
	DiffIDs []string `json:"diff_ids"`
}

type historyRow struct {
	Created   time.Time `json:"created"`
	CreatedBy string    `json:"created_by"`
}

// image builds an image: config, manifest, big data and record.
func (b *builder) image(img Image) error {
	info := &ImageInfo{
		Name: img.As, docker: img.Format == "docker",
		platform: cmp.Or(img.Platform, "linux/amd64"),
		Record:   filepath.Join(b.dir(b.imageRoot(), "images"), "images.json"),
	}
	if info.Name == "" {
		if len(img.Names) == 0 {
			return errors.New("an image without names needs a handle (as=)")
		}
		info.Name = img.Names[0]
	}
	var layers []*LayerInfo // base first
	if img.Layer != "" {
		top, err := b.Store.layer(img.Layer)
		if err != nil {
			return err
		}
		info.top = top
		layers = slices.Clone(top.chain)
		slices.Reverse(layers)
	}
	for _, l := range layers {
		if l.diffID == "" {
			return fmt.Errorf("container layer %q cannot be in an image", l.Name)
		}
		if info.docker && l.blob.compression == "zstd" {
			return fmt.Errorf("a docker manifest cannot name the zstd blob of layer %q", l.Name)
		}
	}
	var err error
	if info.Config, err = b.config(&img, info, layers); err != nil {
		return err
	}
	if info.Manifest, err = manifestOf(info, layers); err != nil {
		return err
	}
	info.ID, info.Digest = imageID(info, layers), Digest(info.Manifest)
	for _, l := range layers {
		info.Layers = append(info.Layers, l.ID)
	}
	for _, n := range img.Names {
		if repo, ok := strings.CutSuffix(n, "@digest"); ok {
			n = repo + "@" + info.Digest
		}
		info.Names = append(info.Names, n)
	}
	history := slices.Clone(info.Names)
	slices.Reverse(history)
	info.record = imageRecord{
		ID: info.ID, Digest: info.Digest, Names: info.Names, NamesHistory: history,
		Metadata: "{}", Created: b.opts.Time,
	}
	if info.top != nil {
		info.record.Layer = info.top.ID
	}
	for _, name := range img.Mapped {
		l, err := b.Store.layer(name)
		if err != nil {
			return err
		}
		info.record.MappedLayers = append(info.record.MappedLayers, l.ID)
	}
	return b.keepImage(info, [][2]string{
		{"sha256:" + hexOf(info.Config), string(info.Config)},
		{"manifest-" + info.Digest, string(info.Manifest)},
		{"manifest", string(info.Manifest)},
	})
}

func (b *builder) config(img *Image, info *ImageInfo, layers []*LayerInfo) ([]byte, error) {
	p, err := parsePlatform(info.platform)
	if err != nil {
		return nil, err
	}
	c := imageConfig{
		Created: b.opts.Time, Architecture: p.Architecture, Variant: p.Variant, OS: p.OS,
		Config:  runConfig{Env: img.Env, Cmd: img.Cmd, Labels: img.Labels},
		RootFS:  rootFS{Type: "layers", DiffIDs: []string{}},
		History: []historyRow{},
	}
	for _, l := range layers {
		c.RootFS.DiffIDs = append(c.RootFS.DiffIDs, l.diffID)
		c.History = append(c.History, historyRow{b.opts.Time, "layer " + l.Name})
	}
	return json.Marshal(c)
}

// imageID is the config's digest, but another one if a layer is known by its
// TOC (container-libs image/storage/storage_dest.go:computeID).
func imageID(info *ImageInfo, layers []*LayerInfo) string {
	ordinary := hexOf(info.Config)
	var text strings.Builder
	text.WriteString("@With TOC:" + ordinary + "|")
	byTOC := false
	for _, l := range layers {
		if l.DiffID == "" {
			byTOC = true
			text.WriteString(l.TOCDigest)
		}
		text.WriteString("|")
	}
	if !byTOC {
		return ordinary
	}
	return hexOf([]byte(text.String()))
}

// keepImage writes big data and remembers the image.
func (b *builder) keepImage(info *ImageInfo, bigData [][2]string) error {
	info.Dir = filepath.Join(b.dir(b.imageRoot(), "images"), info.ID)
	for _, kv := range bigData {
		if err := info.putBigData(kv[0], []byte(kv[1])); err != nil {
			return err
		}
	}
	b.imageInfos = append(b.imageInfos, info)
	names := []string{info.Name}
	for _, n := range info.Names {
		if n != info.Name {
			names = append(names, n)
		}
	}
	return b.images.add(info, names...)
}

// putBigData writes an item and notes it in the record.
func (info *ImageInfo) putBigData(key string, data []byte) error {
	r := &info.record
	if r.BigDataSizes == nil {
		r.BigDataSizes, r.BigDataDigests = map[string]int64{}, map[string]string{}
	}
	if _, again := r.BigDataSizes[key]; !again {
		r.BigDataNames = append(r.BigDataNames, key)
	}
	r.BigDataSizes[key], r.BigDataDigests[key] = int64(len(data)), Digest(data)
	return writeFile(filepath.Join(info.Dir, BigDataName(key)), data, 0o600)
}

// BigData lists the keys of what is stored with the image, sorted.
func (info ImageInfo) BigData() []string { return slices.Sorted(maps.Keys(info.record.BigDataSizes)) }
