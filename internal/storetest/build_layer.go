package storetest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
)

// compressions are the recorded numbers (container-libs
// storage/pkg/archive/archive.go:Compression).
var compressions = map[string]int{"": 0, "none": 0, "bzip2": 1, "gzip": 2, "xz": 3, "zstd": 4}

// mappedIDs is the id map of a mapped layer.
var mappedIDs = []idMap{{ContainerID: 0, HostID: 100000, Size: 65536}}

// layer builds one layer: tar, tar-split, tree, big data and record.
func (b *builder) layer(l Layer) error {
	info, split, err := b.describe(&l)
	if err != nil {
		return err
	}
	if other, taken := b.ids[info.ID]; taken {
		return fmt.Errorf("same content and parent as layer %q", other)
	}
	b.ids[info.ID] = l.Name
	if err := b.layers.add(info, l.Name); err != nil {
		return err
	}
	b.locate(&l, info)
	if b.Driver == "vfs" {
		err = b.vfsTree(&l, info)
	} else {
		err = b.overlayDir(&l, info)
	}
	if err != nil {
		return err
	}
	bigData := map[string][]byte{}
	if info.TOC != nil {
		bigData["zstd-chunked-manifest"] = info.TOC
		bigData["zstd-chunked-layer-data"] = []byte(`{"format":0}`)
		if info.flat {
			bigData["zstd-chunked-layer-data"] = []byte(`{"format":1}`)
		}
	}
	for key, data := range bigData {
		path := filepath.Join(b.dir(b.Root, "layers"), info.ID, BigDataName(key))
		if err := writeFile(path, data, 0o600); err != nil {
			return err
		}
	}
	b.layerFiles[info.Record] = append(b.layerFiles[info.Record], b.layerRecord(&l, info))
	if l.NoTarSplit || l.Container {
		return nil
	}
	if b.opts.Old { // older versions of tar-split end with an empty segment
		split = fmt.Appendf(split, "{\"type\":2,\"payload\":\"\",\"position\":%d}\n", bytes.Count(split, []byte("\n")))
	}
	return writeFile(info.TarSplit, compress(split), 0o600)
}

// describe computes everything about a layer that needs no disk.
func (b *builder) describe(l *Layer) (info *LayerInfo, split []byte, err error) {
	info = &LayerInfo{Name: l.Name, flat: (l.Flat || b.opts.Flat) && !l.Container}
	if _, known := compressions[l.Compression]; !known {
		return nil, nil, fmt.Errorf("unknown compression %q", l.Compression)
	}
	if info.flat && b.Driver != "overlay" {
		return nil, nil, errors.New("only the overlay driver has flat layers")
	}
	if l.ByTOC && !l.Chunked && !info.flat {
		return nil, nil, errors.New("by-toc needs chunked or flat")
	}
	info.chain = []*LayerInfo{info}
	if l.Mapped != "" {
		return b.describeMapped(l, info)
	}
	if l.Parent != "" {
		parent, err := b.Store.layer(l.Parent)
		if err != nil {
			return nil, nil, err
		}
		info.Parent = parent.ID
		info.chain = append(info.chain, parent.chain...)
		info.lowers = append([]*LayerInfo{parent}, parent.lowers...)
	}
	info.Tar, err = l.tarball(b.opts.Time)
	if err != nil {
		return nil, nil, err
	}
	info.Entries, split, err = disassemble(info.Tar)
	if err != nil {
		return nil, nil, fmt.Errorf("tar: %w", err)
	}
	if l.Container {
		info.Tar = nil
		info.ID = cmp.Or(l.ID, hexOf([]byte("container layer "+l.Name)))
		return info, nil, nil
	}
	info.Size, info.diffID = int64(len(info.Tar)), Digest(info.Tar)
	info.DiffID = info.diffID
	id := info.diffID
	if l.Chunked || info.flat {
		info.TOC, err = tableOfContents(info.Entries, split)
		info.TOCDigest = Digest(info.TOC)
	}
	// Layer ids: container-libs image/storage/storage_dest.go:layerID.
	switch {
	case l.ByTOC:
		info.DiffID = ""
		id = Digest([]byte(info.Parent + "+@TOC=" + bare(info.TOCDigest)))
	case info.Parent != "":
		id = Digest([]byte(info.Parent + "+" + bare(info.diffID)))
	}
	info.ID = cmp.Or(l.ID, bare(id))
	info.blob = blobOf(l.Compression, info)
	info.CompressedDigest = info.blob.Digest
	return info, split, err
}

// describeMapped makes info a copy of the layer that l.Mapped names. Its
// parent is that of the original, but in the overlay the original lies below
// it (container-libs storage/store.go:imageTopLayerForMapping).
func (b *builder) describeMapped(l *Layer, info *LayerInfo) (*LayerInfo, []byte, error) {
	if l.Parent != "" || len(l.Entries) > 0 || l.Tar != nil {
		return nil, nil, errors.New("a mapped layer has neither parent nor entries of its own")
	}
	original, err := b.Store.layer(l.Mapped)
	if err != nil {
		return nil, nil, err
	}
	*info = *original
	info.Name, info.ID = l.Name, cmp.Or(l.ID, hexOf([]byte("mapped layer "+l.Name)))
	info.chain = append([]*LayerInfo{info}, original.chain[1:]...)
	info.lowers = append([]*LayerInfo{original}, original.lowers...)
	l.Compression = original.blob.compression
	_, split, err := disassemble(info.Tar)
	return info, split, err
}

// locate sets the paths of a layer.
func (b *builder) locate(l *Layer, info *LayerInfo) {
	treeRoot, recordRoot, file := b.imageRoot(), b.imageRoot(), "layers.json"
	if b.opts.Old {
		recordRoot = b.Root
	}
	if l.Container {
		treeRoot, recordRoot = b.Root, b.Root
	}
	if l.Volatile || l.Container && b.opts.Transient {
		recordRoot, file = b.containerRoot(), "volatile-layers.json"
	}
	info.Record = filepath.Join(b.dir(recordRoot, "layers"), file)
	info.TarSplit = filepath.Join(b.dir(b.Root, "layers"), info.ID+".tar-split.gz")
	if b.Driver == "vfs" {
		info.Dir = filepath.Join(treeRoot, "vfs", "dir", info.ID)
		info.Diff = info.Dir
		return
	}
	info.Link = linkName(info.ID)
	info.Dir = filepath.Join(treeRoot, "overlay", info.ID)
	info.Diff = filepath.Join(info.Dir, "diff")
}

func (b *builder) layerRecord(l *Layer, info *LayerInfo) layerRecord {
	r := layerRecord{
		ID: info.ID, Names: l.Names, Parent: info.Parent, Created: b.opts.Time,
		DiffDigest: info.DiffID, DiffSize: info.Size, TOCDigest: info.TOCDigest,
		Flags: map[string]any{},
	}
	if info.TOC != nil {
		r.BigDataNames = []string{"zstd-chunked-manifest", "zstd-chunked-layer-data"}
	} else if !l.Container {
		r.CompressedDigest, r.CompressedSize = info.blob.Digest, info.blob.Size
		r.Compression = compressions[l.Compression]
	}
	if l.ByTOC {
		r.Flags["expected-layer-diffid"] = info.diffID
		if l.NoTarSplit {
			r.DiffSize = -1
		}
	}
	if l.Incomplete {
		r.Flags["incomplete"] = true
	}
	if l.Mapped != "" {
		r.UIDMap, r.GIDMap = mappedIDs, mappedIDs
	}
	if l.Container {
		return r
	}
	for _, e := range info.Entries {
		r.UIDs = append(r.UIDs, uint32(e.Uid))
		r.GIDs = append(r.GIDs, uint32(e.Gid))
	}
	slices.Sort(r.UIDs)
	slices.Sort(r.GIDs)
	r.UIDs, r.GIDs = slices.Compact(r.UIDs), slices.Compact(r.GIDs)
	return r
}
