package storetest

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/base32"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// linkName is the short name of a layer in overlay/l: 26 characters of base32.
// Real ones are random.
func linkName(id string) string {
	sum := sha256.Sum256([]byte(id))
	return base32.StdEncoding.EncodeToString(sum[:])[:26]
}

// overlayDir makes overlay/ID and its link (container-libs
// storage/drivers/overlay/overlay.go:create).
func (b *builder) overlayDir(l *Layer, info *LayerInfo) error {
	if err := os.MkdirAll(filepath.Dir(info.Dir), 0o755); err != nil {
		return err
	}
	folders := []string{".", "work", "merged"}
	if len(info.lowers) == 0 {
		folders = append(folders, "empty")
	}
	for _, name := range folders {
		if err := os.Mkdir(filepath.Join(info.Dir, name), 0o700); err != nil {
			return err
		}
	}
	if err := b.overlayTree(l, info); err != nil {
		return err
	}
	if l.Mapped != "" && b.can.chown {
		root := mappedIDs[0].HostID
		for _, name := range []string{".", "work"} {
			if err := os.Lchown(filepath.Join(info.Dir, name), root, root); err != nil {
				return err
			}
		}
	}
	links := filepath.Join(filepath.Dir(info.Dir), "l")
	if err := os.MkdirAll(links, 0o755); err != nil {
		return err
	}
	if err := os.Symlink("../"+info.ID+"/diff", filepath.Join(links, info.Link)); err != nil {
		return err
	}
	texts := map[string]string{"link": info.Link}
	if len(info.lowers) > 0 {
		var lower, ids []string
		for _, below := range info.lowers {
			lower = append(lower, "l/"+below.Link)
			ids = append(ids, below.ID)
		}
		texts["lower"] = strings.Join(lower, ":")
		if !b.opts.Old {
			texts["lower-layers"] = strings.Join(ids, ":")
		}
	}
	for name, text := range texts {
		if err := writeFile(filepath.Join(info.Dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// overlayTree fills diff. That of a mapped layer stays empty: changing the
// owners of the mounted tree copied all its files up, into what is now diff1
// (container-libs storage/drivers/overlay/overlay.go:UpdateLayerIDMap).
func (b *builder) overlayTree(l *Layer, info *LayerInfo) error {
	if info.flat && l.Mapped == "" {
		return b.flatTree(info)
	}
	t := b.tree(info.Diff)
	if l.Mapped != "" {
		t.shift = mappedIDs[0].HostID
		if err := writeTree(t, rootEntry(info.chain), nil); err != nil {
			return err
		}
		t.root = filepath.Join(info.Dir, "diff1")
		return mergedTree(t, info.chain)
	}
	t.noSpecial = info.TOC != nil
	return writeTree(t, rootEntry(info.chain[1:]), info.Entries)
}

// tree is a tree at dir with the options of the store.
func (b *builder) tree(dir string) tree {
	return tree{root: dir, can: b.can, forceMask: b.opts.ForceMask, oldMask: b.opts.Old, now: b.opts.Time}
}

func writeTree(t tree, above *Entry, entries []Entry) error {
	w, err := newTree(t, above)
	if err != nil {
		return err
	}
	if err := w.add(entries); err != nil {
		return err
	}
	return w.finish()
}

// rootEntry is the nearest entry for the root directory in a chain, or nil.
func rootEntry(chain []*LayerInfo) *Entry {
	for _, l := range chain {
		for i := range l.Entries {
			if e := &l.Entries[i]; e.Typeflag == tar.TypeDir && place(e.Name) == "/" {
				return e
			}
		}
	}
	return nil
}

// vfsTree makes vfs/dir/ID: the layers below and then this one, applied.
func (b *builder) vfsTree(l *Layer, info *LayerInfo) error {
	t := b.tree(info.Dir)
	if l.Mapped != "" {
		t.shift = mappedIDs[0].HostID
	}
	return mergedTree(t, info.chain)
}

// mergedTree writes what a chain of layers, the top first, looks like mounted.
func mergedTree(t tree, chain []*LayerInfo) error {
	t.apply = true
	w, err := newTree(t, nil)
	if err != nil {
		return err
	}
	for _, l := range slices.Backward(chain) {
		if err := w.add(l.Entries); err != nil {
			return err
		}
	}
	return w.finish()
}
