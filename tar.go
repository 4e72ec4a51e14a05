package cstor

import (
	"context"
	"errors"

	"github.com/cstor-go/cstor/tarsplit"
)

// TarOptions of [Layer.Tar] and [Layer.TarAt]. The zero value is ready to use.
type TarOptions struct {
	// CheckCRC compares each file with the CRC-64 that was taken when it was
	// unpacked, in what passes through Read and Copy. Not with TarAt.
	CheckCRC bool
	// Approximate makes a tar where the exact one cannot be had for want of a recipe:
	// in containers' layers, some that were pulled in parts, and very old ones. It is
	// made from [Layer.Entries], in PAX format, and is the same each time. With
	// CheckCRC, files for which a table of contents has a digest are checked by that.
	// Layers that have a recipe are exact all the same. Not with TarAt.
	Approximate bool
	// MaxIndex is how many bytes the index of TarAt may hold: see [tarsplit.Options].
	MaxIndex int64
}

// Tar opens the layer's tar as a stream, byte for byte as it was pulled or made.
// The caller closes it. Nothing but sizes is verified: whoever needs to know
// compares the digest of what came out with [Layer.DiffID], or calls
// [Layer.WriteTar].
//
// A layer without tar-split, such as a container's, has no exact tar: the error
// matches [ErrNoTar] and says why, unless an approximate one was asked for. A layer in
// an additional layer store is uncompressed from its blob, and gives no files. The
// stream never gives more bytes than were recorded with the diff id. ctx counts until
// Tar returns; for an approximate tar, until the last entry has been made.
//
// Errors of the stream that are about the layer are those of [tarsplit.Reader], wrapped in
// a [*StoreError].
func (l *Layer) Tar(ctx context.Context, opts TarOptions) (*tarsplit.Reader, error) {
	split := l.splitOptions()
	split.Wrap = l.fail
	r, _, err := l.tar(ctx, opts, split, opts.CheckCRC)
	return r, err
}

// origin says what a tar is made from.
type origin int

const (
	fromRecipe origin = iota
	fromBlob
	fromEntries // only approximate
)

// tar opens the layer's tar. A made one is checked, as far as it can be, if checkMade.
func (l *Layer) tar(ctx context.Context, opts TarOptions, split tarsplit.Options, checkMade bool) (r *tarsplit.Reader, from origin, err error) {
	split.CheckCRC = opts.CheckCRC
	src, err := l.source(ctx)
	if err == nil {
		r, err = tarsplit.NewReader(src, src.tree.Tree, split)
		if err != nil {
			_ = src.Close() // was only read
		}
		return r, fromRecipe, l.fail(err)
	}
	if !errors.Is(err, ErrNoTar) {
		return nil, fromRecipe, l.fail(err)
	}
	_, lent, lentErr := l.lentTo()
	switch {
	case lentErr != nil:
		return nil, fromRecipe, l.fail(errors.Join(err, lentErr))
	case lent:
		r, err = l.blobTar(ctx, split)
		return r, fromBlob, l.fail(err)
	case opts.Approximate:
		split.CheckCRC = checkMade
		r, err = l.madeTar(ctx, split)
		return r, fromEntries, l.fail(err)
	}
	return nil, fromRecipe, l.fail(err)
}
