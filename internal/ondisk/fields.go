package ondisk

import (
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/cstor-go/cstor/internal/jsonscan"
)

// The keys are those of the struct tags of the types that doc.go names. Keys that
// are not known are passed over: newer writers add some.

func (l *Layer) field(key []byte, c *jsonscan.Cursor) error {
	switch string(key) {
	case "id":
		return c.String(&l.ID)
	case "names":
		return c.Strings(&l.Names)
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
		return c.Value(&l.Flags)
	case "uidmap":
		return c.Value(&l.UIDMap)
	case "gidmap":
		return c.Value(&l.GIDMap)
	case "big-data-names":
		return c.Strings(&l.BigDataNames)
	}
	return c.Skip()
}

func (i *Image) field(key []byte, c *jsonscan.Cursor) error {
	switch string(key) {
	case "id":
		return c.String(&i.ID)
	case "digest":
		return text(c, &i.Digest)
	case "names":
		return c.Strings(&i.Names)
	case "names-history":
		return c.Strings(&i.NamesHistory)
	case "layer":
		return c.String(&i.TopLayer)
	case "mapped-layers":
		return c.Strings(&i.MappedTopLayers)
	case "metadata":
		return c.String(&i.Metadata)
	case "created":
		return moment(c, &i.Created)
	case "flags":
		return c.Value(&i.Flags)
	}
	return i.BigData.field(key, c)
}

func (n *Container) field(key []byte, c *jsonscan.Cursor) error {
	switch string(key) {
	case "id":
		return c.String(&n.ID)
	case "names":
		return c.Strings(&n.Names)
	case "image":
		return c.String(&n.Image)
	case "layer":
		return c.String(&n.Layer)
	case "metadata":
		return c.String(&n.Metadata)
	case "created":
		return moment(c, &n.Created)
	case "uidmap":
		return c.Value(&n.UIDMap)
	case "gidmap":
		return c.Value(&n.GIDMap)
	case "flags":
		return c.Value(&n.Flags)
	}
	return n.BigData.field(key, c)
}

func (b *BigData) field(key []byte, c *jsonscan.Cursor) error {
	switch string(key) {
	case "big-data-names":
		return c.Strings(&b.Keys)
	case "big-data-sizes":
		return mapOf(c, &b.Sizes, (*jsonscan.Cursor).Int)
	case "big-data-digests":
		return mapOf(c, &b.Digests, text)
	}
	return c.Skip()
}

func mapOf[V any](c *jsonscan.Cursor, m *map[string]V, read func(*jsonscan.Cursor, *V) error) error {
	if *m = nil; c.Null() {
		return nil
	}
	*m = make(map[string]V)
	return c.Object(func(key []byte) error {
		name := string(key) // key is gone when the value is read
		var v V
		err := read(c, &v)
		(*m)[name] = v
		return err
	})
}

func text(c *jsonscan.Cursor, d *digest.Digest) error {
	var s string
	err := c.String(&s)
	*d = digest.Digest(s)
	return err
}

func moment(c *jsonscan.Cursor, t *time.Time) error {
	raw, err := c.Raw()
	if err != nil {
		return err
	}
	return t.UnmarshalJSON(raw)
}
