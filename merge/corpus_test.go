package merge

import (
	"archive/tar"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/cstor-go/cstor/tarsplit"
)

var name255 = strings.Repeat("n", 255)

// corpus are layers as of images, whose entries are made when they are asked for.
type corpus struct {
	layers, entries int                   // so many entries in each
	dress           func(*tarsplit.Entry) // changes an entry; nil: none
	end             func(layer int)       // is called at the end of a layer; nil: none
}

// name returns that of an entry, and whether it is a directory. Directories have 10
// entries; half of a layer's names are those of the layer below.
func (c corpus) name(layer, i int) (string, bool) {
	i += layer * c.entries / 2
	dir := i / 10
	where := fmt.Sprintf("usr/lib/python3/dist-packages/package-%03d/module%d/", dir/100, dir)
	if i%10 == 0 {
		return where, true
	}
	return fmt.Sprintf("%ssource_file_%d.py", where, i), false
}

func (c corpus) entry(layer, i int) *tarsplit.Entry {
	at := int64(layer*c.entries/2+i) * 2048
	e := &tarsplit.Entry{
		Type: tar.TypeDir, Mode: 0o755, ModTime: time.Unix(1_700_000_000+int64(i), 0).UTC(),
		UID: int64(i / 1000 % 3), Uname: "root", Gname: "root", Header: at, Content: at + 512,
	}
	var dir bool
	if e.Name, dir = c.name(layer, i); !dir {
		e.Type, e.Mode, e.Size, e.File = tar.TypeReg, 0o644, int64(i), e.Name
	}
	if c.dress != nil {
		c.dress(e)
	}
	return e
}

// namesLen is how many bytes the last components of all names have.
func (c corpus) namesLen() (sum int64) {
	for l := range c.layers {
		for i := range c.entries {
			name, _ := c.name(l, i)
			_, base := splitBase(strings.TrimSuffix(name, "/"))
			sum += int64(len(base))
		}
	}
	return sum
}

// sequences make entries on the way.
func (c corpus) sequences() []iter.Seq2[*tarsplit.Entry, error] {
	var all []iter.Seq2[*tarsplit.Entry, error]
	for l := range c.layers {
		all = append(all, func(yield func(*tarsplit.Entry, error) bool) {
			for i := range c.entries {
				if !yield(c.entry(l, i), nil) {
					return
				}
			}
			if c.end != nil {
				c.end(l)
			}
		})
	}
	return all
}

// decoded are the same entries, made before.
func (c corpus) decoded() [][]*tarsplit.Entry {
	var all [][]*tarsplit.Entry
	for l := range c.layers {
		var entries []*tarsplit.Entry
		for i := range c.entries {
			entries = append(entries, c.entry(l, i))
		}
		all = append(all, entries)
	}
	return all
}

// withDigest dresses files as a table of contents does.
func withDigest(e *tarsplit.Entry) {
	if e.Type == tar.TypeReg {
		e.Digest = digest.FromString(e.Name)
	}
}

// withXattrs gives each entry attributes of its own, and common ones.
func withXattrs(e *tarsplit.Entry) {
	e.Xattrs = map[string]string{"security.selinux": "system_u:object_r:usr_t:s0"}
	if e.Type == tar.TypeReg {
		e.Xattrs["user.number"] = fmt.Sprint(e.Header)
	}
}

// withLinks makes every third file a hard link to the one before.
func withLinks(e *tarsplit.Entry) {
	if i := e.Header / 2048; e.Type == tar.TypeReg && i%2 == 0 && i%10 > 1 {
		e.Linkname = strings.Replace(e.Name, fmt.Sprintf("file_%d.", i), fmt.Sprintf("file_%d.", i-1), 1)
		e.Type, e.Size, e.File = tar.TypeLink, 0, ""
	}
}
