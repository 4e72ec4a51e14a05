package oracle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/cstor-go/cstor/tarsplit"
)

// ways are all ways to have a tar from a reader: what came, and what ended it, nil
// at the end of the tar.
var ways = map[string]func(r *tarsplit.Reader, l layer) ([]byte, error){
	"Read":    byRead,
	"WriteTo": byWriteTo,
	"Copy":    byCopy,
	"Next":    byNext,
}

// openers of a layer for a way: Read and Next only ever open files.
func openers(way string, l layer) []tarsplit.Opener {
	if way == "Read" || way == "Next" {
		return []tarsplit.Opener{files{l}}
	}
	return []tarsplit.Opener{files{l}, fast{files{l}}}
}

// odd are lengths of buffers, used in turn.
var odd = []int{1, 511, 2, 512, 3, 513, 7, 1 << 13, 0, 1 << 16}

func byRead(r *tarsplit.Reader, _ layer) ([]byte, error) {
	var all bytes.Buffer
	buf := make([]byte, 1<<16)
	for i := 0; ; i++ {
		n, err := r.Read(buf[:odd[i%len(odd)]])
		all.Write(buf[:n])
		switch {
		case err == io.EOF: //nolint:errorlint // exactly io.EOF is the contract
			return all.Bytes(), offsetIs(r, all.Len())
		case err != nil:
			return all.Bytes(), err
		}
	}
}

func byWriteTo(r *tarsplit.Reader, _ layer) ([]byte, error) {
	var all bytes.Buffer
	n, err := r.WriteTo(&all)
	if n != int64(all.Len()) {
		return nil, fmt.Errorf("WriteTo wrote %d bytes and says %d", all.Len(), n)
	}
	if err == nil {
		err = offsetIs(r, all.Len())
	}
	return all.Bytes(), err
}

// byCopy begins with Read and goes on with Copy.
func byCopy(r *tarsplit.Reader, _ layer) ([]byte, error) {
	var all bytes.Buffer
	if _, err := io.CopyN(&all, r, 700); err != nil {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return all.Bytes(), err
	}
	hash := sha256.New()
	hash.Write(all.Bytes())
	told := int64(all.Len())
	_, err := r.Copy(context.Background(), &all, tarsplit.CopyOptions{Hash: hash, Progress: func(n int64) { told += n }})
	if err == nil && told != int64(all.Len()) {
		err = fmt.Errorf("Copy wrote %d bytes and told of %d", all.Len(), told)
	}
	if sum := sha256.Sum256(all.Bytes()); err == nil && !bytes.Equal(hash.Sum(nil), sum[:]) {
		err = errors.New("Copy hashed other bytes than it wrote")
	}
	return all.Bytes(), err
}

func byNext(r *tarsplit.Reader, l layer) ([]byte, error) {
	var all bytes.Buffer
	for {
		item, err := r.Next()
		switch {
		case err == io.EOF: //nolint:errorlint // exactly io.EOF is the contract
			return all.Bytes(), offsetIs(r, all.Len())
		case err != nil:
			return all.Bytes(), err
		}
		if item.File == nil {
			all.Write(item.Bytes)
			continue
		}
		n, err := io.CopyN(&all, item.File, item.Size)
		item.File.Close()
		content, _ := l.content(item.Name)
		if end := item.Offset + item.Size; err != nil || end > int64(len(content)) || !bytes.HasSuffix(all.Bytes(), content[item.Offset:end]) {
			return nil, fmt.Errorf("Next gave %d bytes of %q from %d on, which has %d: %w", n, item.Name, item.Offset, len(content), err)
		}
	}
}

func offsetIs(r *tarsplit.Reader, n int) error {
	if r.Offset() != int64(n) {
		return fmt.Errorf("offset %d after %d bytes", r.Offset(), n)
	}
	return nil
}
