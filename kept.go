package cstor

import "sync"

// kept is a value that is made when it is first asked for, and made again when it is
// asked for after an error. The zero value is ready to use.
type kept[T any] struct {
	mu   sync.Mutex
	done bool
	v    T
}

func (k *kept[T]) get(find func() (T, error)) (T, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.done {
		return k.v, nil
	}
	v, err := find()
	if err == nil {
		k.v, k.done = v, true
	}
	return v, err
}
