package imagefs

import (
	"errors"
	"sync"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/merge"
)

// once is a value that is made when it is first asked for. An error that may pass is
// not kept: whoever asks next tries again. The zero value is ready to use.
type once[T any] struct {
	mu    sync.Mutex
	done  bool
	value T
	err   error
}

func (o *once[T]) get(read func() (T, error)) (T, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.done {
		return o.value, o.err
	}
	value, err := read()
	if err == nil || lasts(err) {
		o.done, o.value, o.err = true, value, err
	}
	return value, err
}

// lasts reports whether asking again changes nothing, since an error is about what a
// layer's tar says, or that nothing knows it.
func lasts(err error) bool {
	return errors.Is(err, cstor.ErrNoTar) || errors.Is(err, merge.ErrTarget) || errors.Is(err, merge.ErrLimit)
}
