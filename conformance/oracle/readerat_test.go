package oracle

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/cstor-go/cstor/tarsplit"
)

// checkReaderAt reads the tar want at any place, from both ends at a time.
func checkReaderAt(t *testing.T, r *tarsplit.ReaderAt, want []byte) {
	t.Helper()
	if r.Size() != int64(len(want)) {
		t.Fatalf("ReaderAt: size %d, want %d", r.Size(), len(want))
	}
	var forth, back []byte
	var forthErr, backErr error
	var both sync.WaitGroup
	both.Go(func() { forth, forthErr = io.ReadAll(io.NewSectionReader(r, 0, r.Size()+1)) })
	both.Go(func() { back, backErr = backwards(r) })
	both.Wait()
	if forthErr != nil || !bytes.Equal(forth, want) {
		t.Fatalf("ReaderAt: %d bytes of %d, equal to byte %d, error %v", len(forth), len(want), equal(forth, want), forthErr)
	}
	if backErr != nil || !bytes.Equal(back, want) {
		t.Fatalf("ReaderAt, backwards: equal to byte %d of %d, error %v", equal(back, want), len(want), backErr)
	}
}

// checkFiles compares what Files says with what Next gave.
func checkFiles(t *testing.T, r *tarsplit.ReaderAt, want []extent) {
	t.Helper()
	var got []extent
	for f := range r.Files() {
		got = append(got, extent{f.Name, f.Offset, f.Size})
	}
	if !slices.Equal(got, want) {
		t.Fatalf("Files: %v, want %v", got, want)
	}
}

func backwards(r *tarsplit.ReaderAt) ([]byte, error) {
	all := make([]byte, r.Size())
	for i, end := 0, len(all); end > 0; i++ {
		from := max(0, end-odd[i%len(odd)])
		n, err := r.ReadAt(all[from:end], int64(from))
		if err != nil && !errors.Is(err, io.EOF) || n < end-from {
			return all, errors.Join(err, io.ErrUnexpectedEOF)
		}
		end = from
	}
	return all, nil
}
