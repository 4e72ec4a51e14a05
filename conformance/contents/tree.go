package contents

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"
)

// Tree is what an image shows: files by their paths, which are clean and have no slash in front; the root's is ".".
type Tree map[string]*Node

// Node is one file of any type.
type Node struct {
	Type         byte // as in archive/tar: '0', or '2' to '6'; '?' is a socket
	Mode         int64
	UID, GID     int64
	Size         int64 // of a regular file; of a symbolic link the length of its target
	ModTime      time.Time
	Link         string // the target of a symbolic link
	Major, Minor int64
	Xattrs       map[string]string // but for those of trusted.
	Content      string            // SHA-256 of a regular file, in hex
	First        string            // the first path of the same file, in the order of a walk, of all further ones
}

func (n *Node) String() string {
	if n == nil {
		return "nothing"
	}
	return fmt.Sprintf("%c%04o %d:%d size %d, %s, link %q, device %d:%d, %q, %.8s, first %q",
		n.Type, n.Mode, n.UID, n.GID, n.Size, n.ModTime.UTC().Format(time.RFC3339Nano), n.Link, n.Major, n.Minor, n.Xattrs, n.Content, n.First)
}

// Difference is one thing in which a tree is not as another.
type Difference struct {
	Path  string
	Field string // one of the fields below
	Want  *Node  // nil for an extra path
	Got   *Node  // nil for a missing one
}

// Fields of a [Difference].
const (
	Missing    = "missing"
	Extra      = "extra"
	Type       = "type" // and nothing else of that path is compared
	Mode       = "mode"
	Owner      = "owner"
	Size       = "size"
	Time       = "time"
	Target     = "target"
	Device     = "device"
	Attributes = "attributes"
	Content    = "content"
	Names      = "names" // other ones share the file
)

func (d Difference) String() string {
	return fmt.Sprintf("%.200q: %s: %s, want %s", d.Path, d.Field, d.Got, d.Want)
}

// Differences compares two trees, in the order of their paths.
func Differences(want, got Tree) []Difference {
	paths := slices.AppendSeq(slices.Collect(maps.Keys(want)), maps.Keys(got))
	slices.Sort(paths)
	var all []Difference
	for _, path := range slices.Compact(paths) {
		for _, field := range fields(want[path], got[path]) {
			all = append(all, Difference{path, field, want[path], got[path]})
		}
	}
	return all
}

func fields(want, got *Node) (names []string) {
	switch {
	case got == nil:
		return []string{Missing}
	case want == nil:
		return []string{Extra}
	case want.Type != got.Type:
		return []string{Type}
	}
	for _, f := range []struct {
		name string
		same bool
	}{
		{Mode, want.Mode == got.Mode},
		{Owner, want.UID == got.UID && want.GID == got.GID},
		{Size, want.Size == got.Size},
		{Time, want.ModTime.Equal(got.ModTime)},
		{Target, want.Link == got.Link},
		{Device, want.Major == got.Major && want.Minor == got.Minor},
		{Attributes, maps.Equal(want.Xattrs, got.Xattrs)},
		{Content, want.Content == got.Content},
		{Names, want.First == got.First},
	} {
		if !f.same {
			names = append(names, f.name)
		}
	}
	return names
}

// sum reads a file to its end and closes it.
func sum(f *os.File) (digest string, size int64, err error) {
	defer f.Close()
	h := sha256.New()
	size, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), size, err
}
