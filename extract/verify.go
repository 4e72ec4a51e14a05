package extract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/tarsplit"
)

// verify checks the content of layers by the digests of their tars, before anything is
// written. It returns those of which there are none, and those whose tars had bytes that
// unpacking did not keep, so that no digest can be had any more.
func verify(ctx context.Context, layers []*cstor.Layer) (unverified []*cstor.Layer, err error) {
	for _, l := range layers {
		report, err := l.WriteTar(ctx, io.Discard, cstor.WriteOptions{Approximate: true})
		lost := errors.Is(err, tarsplit.ErrLost)
		if err != nil && !lost {
			return nil, err
		}
		if lost || report.Verified == cstor.VerifiedNothing {
			unverified = append(unverified, l)
		}
	}
	return unverified, nil
}

var errDiffers = errors.New("the copy differs from the store's file")

// compare compares a copy with what it was copied from.
func (w *worker) compare(fd, from int, size int64) error {
	half := len(w.buf) / 2
	for at := int64(0); at < size; {
		n := int(min(size-at, int64(half)))
		for i, f := range []int{fd, from} {
			p := w.buf[i*half:][:n]
			for got := 0; got < n; {
				k, err := pread(f, p[got:], at+int64(got))
				if err != nil {
					return failed("verify", err)
				}
				if k == 0 {
					return failed("verify", fmt.Errorf("%w: %w", errDiffers, io.ErrUnexpectedEOF))
				}
				got += k
			}
		}
		if !bytes.Equal(w.buf[:n], w.buf[half:][:n]) {
			return failed("verify", errDiffers)
		}
		at += int64(n)
	}
	return nil
}
