package merge

import (
	"encoding/binary"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// packMap makes one string of a map, in which each string stands behind its length; ""
// of an empty map. Equal maps within a draft share it.
func (d *draft) packMap(m map[string]string) string {
	if len(m) == 0 {
		return ""
	}
	// Entries behind a global header share its map, of 4 KiB perhaps.
	if len(m) > fewKeys && d.last.m != nil && reflect.ValueOf(m).Pointer() == reflect.ValueOf(d.last.m).Pointer() {
		return d.last.packed
	}
	d.packing = d.packing[:0]
	for _, key := range slices.Sorted(maps.Keys(m)) {
		for _, s := range [2]string{key, m[key]} {
			d.packing = binary.AppendUvarint(d.packing, uint64(len(s)))
			d.packing = append(d.packing, s...)
		}
	}
	packed, ok := d.packed[string(d.packing)]
	if !ok {
		packed = string(d.packing)
		d.text += int64(len(packed))
		d.packed[packed] = packed
	}
	d.last = mapping{packed, m}
	return packed
}

const (
	fewKeys = 16      // are packed as often as they come
	large   = 4 << 10 // bytes of a map that several Nodes share
)

// mapping is a map in both forms.
type mapping struct {
	packed string
	m      map[string]string
}

// unpack is unpackMap, which is not done again for a large map that came last.
func (t *Tree) unpack(packed string) map[string]string {
	if len(packed) < large {
		return unpackMap(packed)
	}
	if last := t.last.Load(); last != nil && last.packed == packed { // mostly the same string: no bytes are compared
		return last.m
	}
	m := unpackMap(packed)
	t.last.Store(&mapping{packed, m})
	return m
}

// unpackMap returns nil for "".
func unpackMap(packed string) map[string]string {
	if packed == "" {
		return nil
	}
	packed = strings.Clone(packed) // its parts are the caller's, for as long as he likes
	next := func() (s string) {
		n, used := binary.Uvarint([]byte(packed[:min(len(packed), binary.MaxVarintLen64)]))
		s, packed = packed[used:used+int(n)], packed[used+int(n):]
		return s
	}
	m := map[string]string{}
	for packed != "" {
		key := next()
		m[key] = next()
	}
	return m
}
