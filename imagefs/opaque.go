package imagefs

import (
	"context"
	"path"
	"sync"

	"github.com/cstor-go/cstor/driver"
)

// marks are the opaque directories of one layer by its tar, which is read once. Of a
// layer whose tar is not known, it is an error each time.
type marks struct {
	once   sync.Once
	opaque map[string]bool
	err    error
}

// Opaque implements [driver.Stack].
func (t *disk) Opaque(i int, name string, n *driver.Node) (bool, error) {
	if n.Opaque != driver.OpaqueUnknown || i == len(t.layers)-1 {
		return n.Opaque == driver.OpaqueYes, nil
	}
	m := &t.marks[i]
	m.once.Do(func() {
		m.opaque = map[string]bool{}
		for e, err := range t.layers[i].Entries(context.Background()) {
			if err != nil {
				m.err = err
				return
			}
			if dir, base := path.Split(path.Clean("/" + e.Name)); base == opaqueName {
				m.opaque[path.Clean(dir[1:])] = true
			}
		}
	})
	return m.opaque[name], m.err
}
