package ocicopy

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// maxIndex is how long in bytes the index of a layout may be: a descriptor takes some 300.
const maxIndex = 64 << 20

// index is the index.json of a layout. What is not changed stays as it is, fields that
// are not known here included.
type index struct {
	fields    map[string]json.RawMessage
	manifests []entry
}

// entry is one of its descriptors.
type entry struct {
	raw  json.RawMessage
	desc v1.Descriptor
}

func newIndex() *index {
	return &index{fields: map[string]json.RawMessage{
		"schemaVersion": json.RawMessage("2"),
		"mediaType":     json.RawMessage(`"` + v1.MediaTypeImageIndex + `"`),
	}}
}

// parseIndex reads an index.
func parseIndex(raw []byte) (*index, error) {
	x := &index{}
	if err := json.Unmarshal(raw, &x.fields); err != nil {
		return nil, fmt.Errorf("%w: index.json: %w", ErrNotLayout, err)
	}
	var head struct {
		specs.Versioned
		MediaType string            `json:"mediaType"`
		Manifests []json.RawMessage `json:"manifests"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, fmt.Errorf("%w: index.json: %w", ErrNotLayout, err)
	}
	switch {
	case head.SchemaVersion != 2:
		return nil, fmt.Errorf("%w: index.json: schema version %d, and 2 was expected", ErrNotLayout, head.SchemaVersion)
	case head.MediaType != "" && head.MediaType != v1.MediaTypeImageIndex:
		return nil, fmt.Errorf("%w: index.json: media type %.100q", ErrNotLayout, head.MediaType)
	}
	for n, raw := range head.Manifests {
		e := entry{raw: raw}
		err := json.Unmarshal(raw, &e.desc)
		if err == nil {
			err = e.desc.Digest.Validate()
		}
		if err != nil {
			return nil, fmt.Errorf("%w: index.json: manifest %d: %w", ErrNotLayout, n, err)
		}
		x.manifests = append(x.manifests, e)
	}
	return x, nil
}

// readIndex reads that of a layout; a layout that was never finished has none.
func readIndex(file *os.File, size int64) (*index, error) {
	if size > maxIndex {
		return nil, fmt.Errorf("%w: index.json has %d bytes, more than %d", ErrNotLayout, size, int64(maxIndex))
	}
	raw, err := io.ReadAll(io.LimitReader(file, maxIndex+1))
	if err != nil {
		return nil, err
	}
	return parseIndex(raw)
}

// put adds a descriptor. If it has a name, it takes the place of what had that name, and
// of the same without a name; if it has none, nothing that has the same digest is added
// again.
func (x *index) put(d v1.Descriptor) error {
	raw, err := json.Marshal(d)
	if err != nil {
		return err
	}
	ref := d.Annotations[v1.AnnotationRefName]
	at := -1
	x.manifests = slices.DeleteFunc(x.manifests, func(e entry) bool {
		had := e.desc.Annotations[v1.AnnotationRefName]
		return ref != "" && had == "" && e.desc.Digest == d.Digest
	})
	for n, e := range x.manifests {
		had := e.desc.Annotations[v1.AnnotationRefName]
		if ref == "" && e.desc.Digest == d.Digest {
			return nil
		}
		if ref != "" && had == ref {
			at = n
			break
		}
	}
	if at < 0 {
		x.manifests = append(x.manifests, entry{raw, d})
		return nil
	}
	x.manifests[at] = entry{raw, d}
	// Nothing should have a name twice.
	rest := slices.DeleteFunc(x.manifests[at+1:], func(e entry) bool { return e.desc.Annotations[v1.AnnotationRefName] == ref })
	x.manifests = x.manifests[:at+1+len(rest)]
	return nil
}

// bytes is the index as it is written.
func (x *index) bytes() ([]byte, error) {
	list := make([]json.RawMessage, 0, len(x.manifests))
	for _, e := range x.manifests {
		list = append(list, e.raw)
	}
	raw, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	x.fields["manifests"] = raw
	return json.Marshal(x.fields) // sorted by name
}
