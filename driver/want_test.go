package driver_test

import (
	"archive/tar"
	"maps"
	"os"
	"path"
	"strings"
	"time"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/storetest"
)

// A form is how a store keeps the entries of its tars.
type form struct {
	name      string
	opts      storetest.Options
	native    bool // whiteouts are devices and attributes
	wh        bool // whiteouts are ".wh." files
	masked    bool // modes, owners and types are in attributes
	flat, vfs bool
}

var forms = []form{
	{name: "native", native: true},
	{name: "wh-files", opts: storetest.Options{Whiteouts: storetest.WhiteoutsFiles}, wh: true},
	{name: "force-mask", opts: storetest.Options{Whiteouts: storetest.WhiteoutsFiles, ForceMask: 0o755}, wh: true, masked: true},
	{name: "force-mask-old", opts: storetest.Options{Whiteouts: storetest.WhiteoutsFiles, ForceMask: 0o700, Old: true}, wh: true, masked: true},
	{name: "flat", opts: storetest.Options{Flat: true}, flat: true},
	{name: "vfs", opts: storetest.Options{Driver: "vfs"}, vfs: true},
}

func (f form) overlay() driver.OverlayOptions { return driver.OverlayOptions{WhiteoutFiles: f.wh} }

// want says what Lstat is to tell of each place of a layer, made from the tar's
// entries. Numbers of devices and inodes are left out.
func (f form) want(info storetest.LayerInfo, below map[string]*driver.Node) map[string]*driver.Node {
	all := map[string]*driver.Node{}
	if f.vfs {
		maps.Copy(all, below)
	}
	remove := func(at string, itself bool) {
		for k := range all {
			if itself && k == at || strings.HasPrefix(k, path.Join(at, "/")+"/") {
				delete(all, k)
			}
		}
	}
	for _, e := range info.Entries {
		if e.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		at := place(e.Name)
		dir, base := path.Dir(at), path.Base(at)
		victim, isWhiteout := strings.CutPrefix(base, ".wh.")
		opaque := base == ".wh..wh..opq"
		if opaque && !f.vfs && all[dir] != nil {
			all[dir].Opaque = driver.OpaqueYes
		}
		switch {
		case isWhiteout && f.vfs:
			remove(path.Join(dir, map[bool]string{false: victim}[opaque]), !opaque)
			continue
		case isWhiteout && f.native:
			if !opaque {
				all[path.Join(dir, victim)] = &driver.Node{Hides: victim}
			}
			continue
		}
		n := f.node(e, info.TOC != nil)
		if n == nil {
			continue
		}
		if e.Typeflag == tar.TypeLink {
			if n = all[place(e.Linkname)]; n == nil {
				continue
			}
		}
		if isWhiteout && !opaque {
			n.Hides = victim
		}
		if n.DevMajor == 0 && n.DevMinor == 0 && e.Typeflag == tar.TypeChar && !f.masked && !f.vfs {
			n.Hides = base
		}
		if !n.Mode.IsDir() {
			remove(at, false)
		}
		all[at] = n
	}
	return all
}

// node translates one entry; nil if the disk does not have it.
func (f form) node(e storetest.Entry, chunked bool) *driver.Node {
	n := &driver.Node{
		Mode: e.FileInfo().Mode(), UID: e.Uid, GID: e.Gid, Size: int64(len(e.Content)), ModTime: e.ModTime, Link: "",
	}
	for k, v := range e.PAXRecords {
		if key, ok := strings.CutPrefix(k, "SCHILY.xattr."); ok {
			if n.Xattrs == nil {
				n.Xattrs = map[string]string{}
			}
			n.Xattrs[key] = v
		}
	}
	special := false
	switch e.Typeflag {
	case tar.TypeSymlink:
		n.Link, n.Size = e.Linkname, int64(len(e.Linkname))
	case tar.TypeChar, tar.TypeBlock:
		n.DevMajor, n.DevMinor = uint32(e.Devmajor), uint32(e.Devminor)
		special = true
	case tar.TypeFifo:
		special = true
	}
	if f.flat {
		return n
	}
	whiteout := e.Typeflag == tar.TypeChar && e.Devmajor == 0 && e.Devminor == 0
	user := os.Geteuid() != 0
	n.ModTime = max1970(n.ModTime)
	switch {
	case f.masked && special && f.opts.Old: // the type is lost
		n.Mode, n.DevMajor, n.DevMinor = n.Mode.Perm(), 0, 0
	case f.masked && special:
	case special && chunked:
		return nil
	case special && user && e.Typeflag != tar.TypeFifo && !(whiteout && f.native):
		return nil
	}
	if f.masked && e.Typeflag == tar.TypeSymlink || user && !f.masked {
		n.UID, n.GID = os.Geteuid(), os.Getegid()
	}
	return n
}

func max1970(t time.Time) time.Time {
	if t.Unix() < 0 {
		return time.Unix(0, 0)
	}
	return t
}

func place(name string) string { return path.Clean("/" + name) }
