package main

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
	"testing/synctest"
)

// TestAhead: what is read ahead is what there is, and its error comes behind it.
func TestAhead(t *testing.T) {
	t.Parallel()
	want := bytes.Repeat([]byte("0123456789"), 200_000)
	broken := errors.New("broken")
	for _, c := range []struct {
		name string
		r    io.Reader
		err  error
	}{
		{"whole", bytes.NewReader(want), nil},
		{"in small pieces", iotest.HalfReader(bytes.NewReader(want)), nil},
		{"end with the last piece", iotest.DataErrReader(bytes.NewReader(want)), nil},
		{"an error", io.MultiReader(bytes.NewReader(want), iotest.ErrReader(broken)), broken},
		{"an early end", io.MultiReader(bytes.NewReader(want), iotest.ErrReader(io.ErrUnexpectedEOF)), io.ErrUnexpectedEOF},
		{"nothing any more", io.MultiReader(bytes.NewReader(want), idle{}), io.ErrNoProgress},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newAhead(c.r)
			defer a.stop()
			got, err := io.ReadAll(iotest.HalfReader(a))
			if !bytes.Equal(got, want) || !errors.Is(err, c.err) {
				t.Errorf("%d bytes of %d, error %v", len(got), len(want), err)
			}
			if _, again := a.Read(make([]byte, 1)); c.err != nil && !errors.Is(again, c.err) {
				t.Errorf("the error, again: %v", again)
			}
		})
	}
}

// TestAheadStop: who has stopped leaves nothing running.
func TestAheadStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // fails if a goroutine is left
		a := newAhead(endless{})
		if _, err := io.CopyN(io.Discard, a, 10); err != nil {
			t.Fatal(err)
		}
		a.stop()
		a.stop()
	})
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }
