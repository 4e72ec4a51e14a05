package ondisk

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/cstor-go/cstor/internal/jsonscan"
)

// The keys are those of the struct tags of the types that doc.go names. Keys that
// are not known are passed over: newer writers add some.

func (l *Layer) field(key []byte, c *reader) error {
	switch string(key) {
	case "id":
		return c.String(&l.ID)
	case "names":
		return c.strings(&l.Names)
	case "parent":
		return c.String(&l.Parent)
	case "metadata":
		return c.String(&l.Metadata)
	case "mountlabel":
		return c.String(&l.MountLabel)
	case "created":
		return moment(c, &l.Created)
	case "compressed-diff-digest":
		return text(c, &l.CompressedDigest)
	case "compressed-size":
		return c.Int(&l.CompressedSize)
	case "diff-digest":
		return text(c, &l.DiffDigest)
	case "diff-size":
		return c.Int(&l.DiffSize)
	case "toc-digest":
		return text(c, &l.TOCDigest)
	case "compression":
		return c.Int(&l.Compression)
	case "flags":
		return c.odd(&l.Flags)
	case "uidmap":
		return c.odd(&l.UIDMap)
	case "gidmap":
		return c.odd(&l.GIDMap)
	case "big-data-names":
		return c.strings(&l.BigDataNames)
	}
	return c.Skip()
}

func (i *Image) field(key []byte, c *reader) error {
	switch string(key) {
	case "id":
		return c.String(&i.ID)
	case "digest":
		return text(c, &i.Digest)
	case "names":
		return c.strings(&i.Names)
	case "names-history":
		return c.strings(&i.NamesHistory)
	case "layer":
		return c.String(&i.TopLayer)
	case "mapped-layers":
		return c.strings(&i.MappedTopLayers)
	case "metadata":
		return c.String(&i.Metadata)
	case "created":
		return moment(c, &i.Created)
	case "flags":
		return c.odd(&i.Flags)
	}
	return i.BigData.field(key, c)
}

func (n *Container) field(key []byte, c *reader) error {
	switch string(key) {
	case "id":
		return c.String(&n.ID)
	case "names":
		return c.strings(&n.Names)
	case "image":
		return c.String(&n.Image)
	case "layer":
		return c.String(&n.Layer)
	case "metadata":
		return c.String(&n.Metadata)
	case "created":
		return moment(c, &n.Created)
	case "uidmap":
		return c.odd(&n.UIDMap)
	case "gidmap":
		return c.odd(&n.GIDMap)
	case "flags":
		return c.odd(&n.Flags)
	}
	return n.BigData.field(key, c)
}

func (b *BigData) field(key []byte, c *reader) error {
	switch string(key) {
	case "big-data-names":
		return c.strings(&b.Keys)
	case "big-data-sizes":
		return mapOf(c, &b.Sizes, (*reader).Int)
	case "big-data-digests":
		return mapOf(c, &b.Digests, text)
	}
	return c.Skip()
}

// reader counts what it has read, so that a file cannot ask for too much.
type reader struct {
	jsonscan.Cursor
	items int
}

func (c *reader) item() error {
	if c.items++; c.items > MaxItems {
		return fmt.Errorf("more than %d names and keys", MaxItems)
	}
	return nil
}

func (c *reader) strings(v *[]string) error {
	if *v = nil; c.Null() {
		return nil
	}
	return c.Array(func() error {
		var s string
		if err := c.String(&s); err != nil {
			return err
		}
		*v = append(*v, s)
		return c.item()
	})
}

func mapOf[V any](c *reader, m *map[string]V, read func(*reader, *V) error) error {
	if *m = nil; c.Null() {
		return nil
	}
	*m = make(map[string]V)
	return c.Object(func(key []byte) error {
		name := string(key) // key is gone when the value is read
		var v V
		if err := read(c, &v); err != nil {
			return err
		}
		(*m)[name] = v
		return c.item()
	})
}

// odd reads a field that few records have.
func (c *reader) odd(v any) error {
	raw, err := c.Raw()
	if err == nil && len(raw) > MaxOdd {
		err = fmt.Errorf("a field of %d bytes", len(raw))
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, v)
}

func text(c *reader, d *digest.Digest) error {
	var s string
	err := c.String(&s)
	*d = digest.Digest(s)
	return err
}

func moment(c *reader, t *time.Time) error {
	raw, err := c.Raw()
	if err != nil {
		return err
	}
	return t.UnmarshalJSON(raw)
}
