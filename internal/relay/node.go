package relay

import (
	"io/fs"
	"strings"
	"time"

	"github.com/cstor-go/cstor/driver"
)

// node appends a node.
func (e *encoder) node(n *driver.Node) {
	e.uint(uint64(n.Mode))
	e.int(int64(n.UID))
	e.int(int64(n.GID))
	e.int(n.Size)
	e.time(n.ModTime)
	e.uint(uint64(n.DevMajor))
	e.uint(uint64(n.DevMinor))
	e.uint(n.Nlink)
	e.uint(n.Dev)
	e.uint(n.Ino)
	e.str(n.Link)
	e.uint(uint64(len(n.Xattrs)))
	for k, v := range n.Xattrs {
		e.str(k)
		e.str(v)
	}
	e.str(n.Hides)
	e.int(int64(n.Opaque))
	e.str(n.Redirect)
	e.bool(n.Metacopy)
}

// node takes a node. Its strings are copies: the body may hold hundreds.
func (d *decoder) node() *driver.Node {
	n := &driver.Node{
		Mode: fs.FileMode(d.uint()), UID: int(d.int()), GID: int(d.int()), Size: d.int(), ModTime: d.time(),
		DevMajor: uint32(d.uint()), DevMinor: uint32(d.uint()), Nlink: d.uint(), Dev: d.uint(), Ino: d.uint(),
		Link: strings.Clone(d.str()),
	}
	for count := d.count(); count > 0 && !d.bad; count-- {
		if n.Xattrs == nil {
			n.Xattrs = make(map[string]string)
		}
		k := strings.Clone(d.str())
		n.Xattrs[k] = strings.Clone(d.str())
	}
	n.Hides, n.Opaque = strings.Clone(d.str()), driver.Opaque(d.int())
	n.Redirect, n.Metacopy = strings.Clone(d.str()), d.bool()
	return n
}

// Zones of times. Files have the machine's; tables of contents may have others.
const (
	zoneLocal = iota
	zoneUTC
	zoneOther // and how many seconds it is east of UTC
)

func (e *encoder) time(t time.Time) {
	e.int(t.Unix())
	e.uint(uint64(t.Nanosecond()))
	switch _, east := t.Zone(); t.Location() {
	case time.Local:
		e.uint(zoneLocal)
	case time.UTC:
		e.uint(zoneUTC)
	default:
		e.uint(zoneOther)
		e.int(int64(east))
	}
}

func (d *decoder) time() time.Time {
	t := time.Unix(d.int(), int64(d.uint()%1e9))
	switch d.uint() {
	case zoneUTC:
		return t.UTC()
	case zoneOther:
		return t.In(time.FixedZone("", int(d.int())))
	}
	return t
}

func (e *encoder) entry(entry driver.DirEntry) {
	e.str(entry.Name)
	e.uint(uint64(entry.Type))
	e.bool(entry.Unsure)
}

// entry takes a name of a directory. It keeps the body, which is nothing but names.
func (d *decoder) entry() driver.DirEntry {
	return driver.DirEntry{Name: d.str(), Type: fs.FileMode(d.uint()), Unsure: d.bool()}
}
