package answer

import (
	"archive/tar"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// Entry is one entry of a tar, as far as tars of one tree by different writers can be compared: times are in whole seconds,
// rounded down, and what of a header is form only is not there.
type Entry struct {
	Type         byte // as in archive/tar
	Mode         int64
	UID, GID     int
	Uname, Gname string
	ModTime      time.Time
	Link         string
	Major, Minor int64
	Xattrs       map[string]string
	Content      string // "SIZE SHA-256"
}

// Entries reads a tar. The keys are the entries' names, cleaned and without a slash at either end, "." of the root. A tar
// that has two entries for one place is an error, since no storage library unpacks it.
func Entries(r io.Reader) (map[string]Entry, error) {
	entries := map[string]Entry{}
	archive := tar.NewReader(r)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return nil, fmt.Errorf("after %d entries: %w", len(entries), err)
		}
		name := path.Clean(strings.TrimPrefix(path.Clean("/"+h.Name), "/"))
		if _, ok := entries[name]; ok {
			return nil, fmt.Errorf("two entries %q", name)
		}
		sum := sha256.New()
		size, err := io.Copy(sum, archive)
		if err != nil {
			return nil, fmt.Errorf("entry %q: %w", name, err)
		}
		e := Entry{
			Type: h.Typeflag, Mode: h.Mode, UID: h.Uid, GID: h.Gid, Uname: h.Uname, Gname: h.Gname,
			ModTime: time.Unix(h.ModTime.Unix(), 0).UTC(), Link: h.Linkname, Major: h.Devmajor, Minor: h.Devminor,
			Xattrs: map[string]string{}, Content: fmt.Sprintf("%d %x", size, sum.Sum(nil)),
		}
		for key, value := range h.PAXRecords {
			if name, ok := strings.CutPrefix(key, "SCHILY.xattr."); ok {
				e.Xattrs[name] = value
			}
		}
		entries[name] = e
	}
}

// Deviation is one thing in which an entry of one tar is not as in another.
type Deviation struct {
	Name  string // of the entry
	Field string // "missing", "extra", "implied", "type", "mode", "owner", "owner's name", "time", "link", "device", "attributes", "content"
	Want  *Entry // nil of an extra one, and of an implied one: an extra directory that a wanted entry lies in
	Got   *Entry // nil of a missing one
}

func (d Deviation) String() string {
	switch {
	case d.Got == nil:
		return fmt.Sprintf("%q is missing: %+v", d.Name, *d.Want)
	case d.Want == nil:
		return fmt.Sprintf("%q is %s: %+v", d.Name, d.Field, *d.Got)
	}
	return fmt.Sprintf("%q: %s: %+v, want %+v", d.Name, d.Field, *d.Got, *d.Want)
}

// Deviations compares two tars, entry by entry in the order of names, and field by field.
func Deviations(want, got map[string]Entry) []Deviation {
	names := slices.AppendSeq(slices.Collect(maps.Keys(want)), maps.Keys(got))
	slices.Sort(names)
	var all []Deviation
	implied := ancestors(want)
	for _, name := range slices.Compact(names) {
		w, isWanted := want[name]
		g, isThere := got[name]
		switch {
		case !isThere:
			all = append(all, Deviation{Name: name, Field: "missing", Want: &w})
		case !isWanted && g.Type == tar.TypeDir && implied[name]:
			all = append(all, Deviation{Name: name, Field: "implied", Got: &g})
		case !isWanted:
			all = append(all, Deviation{Name: name, Field: "extra", Got: &g})
		default:
			for _, field := range w.deviations(g) {
				all = append(all, Deviation{Name: name, Field: field, Want: &w, Got: &g})
			}
		}
	}
	return all
}

// ancestors returns the names of all directories that the entries lie in, but for the root.
func ancestors(entries map[string]Entry) map[string]bool {
	names := map[string]bool{}
	for name := range entries {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			names[dir] = true
		}
	}
	return names
}

// deviations names the fields in which e is not as g.
func (e Entry) deviations(g Entry) []string {
	var fields []string
	for _, f := range []struct {
		name string
		same bool
	}{
		{"type", e.Type == g.Type},
		{"mode", e.Mode == g.Mode},
		{"owner", e.UID == g.UID && e.GID == g.GID},
		{"owner's name", e.Uname == g.Uname && e.Gname == g.Gname},
		{"time", e.ModTime.Equal(g.ModTime)},
		{"link", e.Link == g.Link},
		{"device", e.Major == g.Major && e.Minor == g.Minor},
		{"attributes", maps.Equal(e.Xattrs, g.Xattrs)},
		{"content", e.Content == g.Content},
	} {
		if !f.same {
			fields = append(fields, f.name)
		}
	}
	return fields
}
