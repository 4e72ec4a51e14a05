package cstor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cstor-go/cstor/internal/decompress"
	"github.com/cstor-go/cstor/tarsplit"
)

// blob is the tar of a layer in an additional layer store, uncompressed from the blob
// that is kept there.
type blob struct {
	io.Reader
	file    *os.File
	release func() // the lock
}

func (b *blob) Close() error {
	err := b.file.Close()
	b.release()
	return err
}

// blobTar opens the tar of a layer that is lent as a stream.
func (l *Layer) blobTar(ctx context.Context, split tarsplit.Options) (*tarsplit.Reader, error) {
	plain, err := l.blob(ctx)
	if err != nil {
		return nil, err
	}
	r, err := tarsplit.NewPlainReader(plain, split)
	if err != nil {
		_ = plain.Close() // was only read
	}
	return r, err
}

// blob opens the tar of a layer that is lent. How it is compressed is told by its
// first bytes, as by the reference, whatever the record says.
func (l *Layer) blob(ctx context.Context) (*blob, error) {
	release, err := l.hold(ctx)
	if err != nil {
		return nil, err
	}
	b, err := l.openBlob()
	if err != nil {
		release()
		return nil, fmt.Errorf("blob: %w", err)
	}
	b.release = release
	return b, nil
}

func (l *Layer) openBlob() (*blob, error) {
	target, _, err := l.lentTo() // it is: see tar
	if err != nil {
		return nil, err
	}
	lender, err := l.lender(target)
	if err != nil {
		return nil, err
	}
	defer lender.Close()
	file, err := lender.File("blob")
	if err != nil {
		return nil, damaged(err)
	}
	plain, _, err := decompress.NewReader(file)
	if err != nil {
		_ = file.Close() // was only read
		if errors.Is(err, decompress.ErrUnsupported) {
			err = fmt.Errorf("%w: %w", ErrUnsupported, err)
		}
		return nil, err
	}
	return &blob{Reader: plain, file: file}, nil
}
