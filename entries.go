package cstor

import (
	"context"
	"io"
	"iter"

	"github.com/cstor-go/cstor/tarsplit"
)

// Entries yields the entries of the layer's tar, in its order: headers as the tar had
// them, extensions applied, and where content lies in the tar. It opens no file of the
// layer, only its recipe.
//
// A pair is (entry, nil) or (nil, err), and after an error the iteration ends. Errors
// are those of [Layer.Tar] and of [tarsplit.Entries]. Yielded entries may be kept; the
// iteration may be begun again, and by several goroutines at once.
func (l *Layer) Entries(ctx context.Context) iter.Seq2[*tarsplit.Entry, error] {
	return func(yield func(*tarsplit.Entry, error) bool) {
		if err := context.Cause(ctx); err != nil {
			yield(nil, err)
			return
		}
		recipe, release, err := l.heldRecipe(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		defer release()
		defer recipe.Close()
		for entry, err := range tarsplit.Entries(patient{ctx, recipe}, l.splitOptions()) {
			if !yield(entry, l.fail(err)) {
				return
			}
		}
	}
}

// patient is read as long as its context lasts.
type patient struct {
	ctx context.Context
	io.ReadCloser
}

func (p patient) Read(b []byte) (int, error) {
	if err := context.Cause(p.ctx); err != nil {
		return 0, err
	}
	return p.ReadCloser.Read(b)
}
