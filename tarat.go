package cstor

import (
	"context"

	"github.com/cstor-go/cstor/tarsplit"
)

// TarAt opens the layer's tar for reading at any place: it opens the files that a
// read touches and no others. The recipe is read at once, all of it, and takes some
// hundred bytes an entry of memory. The caller closes the result. ctx counts while
// the recipe is read.
//
// Nothing but sizes is verified, and nothing can be: whoever needs to know that the
// layer is whole exports it once, with [Layer.WriteTar] into [io.Discard]. Errors, those
// of reads as well, are as of [Layer.Tar]; CheckCRC is refused.
func (l *Layer) TarAt(ctx context.Context, opts TarOptions) (*tarsplit.ReaderAt, error) {
	src, err := l.source(ctx)
	if err != nil {
		return nil, err
	}
	split := l.splitOptions()
	split.CheckCRC, split.MaxIndex, split.Wrap = opts.CheckCRC, opts.MaxIndex, l.fail
	r, err := tarsplit.NewReaderAt(patient{ctx, src}, src.tree.Tree, split)
	if err != nil {
		_ = src.Close() // was only read
		return nil, l.fail(err)
	}
	return r, nil
}
