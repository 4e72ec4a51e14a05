package imagefs

import "sync"

// maxKnown is how many directories are remembered.
const maxKnown = 1024

// known are directories that were looked up before: in a tall stack each takes some
// hundred system calls. The zero value is ready to use.
type known struct {
	mu   sync.RWMutex
	dirs map[string]*node // by where they are
}

func (k *known) get(name string) *node {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.dirs[name]
}

func (k *known) put(n *node) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.dirs == nil || len(k.dirs) >= maxKnown { // rather all anew than an order of use
		k.dirs = make(map[string]*node)
	}
	k.dirs[n.name] = n
}
