package tarsplit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWrap: errors about recipe and files are wrapped, whichever way they come, and
// others are not.
func TestWrap(t *testing.T) {
	t.Parallel()
	outer := errors.New("of layer l")
	opts := Options{CheckCRC: true, Wrap: func(err error) error { return fmt.Errorf("%w: %w", outer, err) }}
	content := strings.Repeat("content!", 50_000)
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "f"), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	whole := zip(t, segment("ab"), file("f", content), segment("cd"))
	for what, recipe := range map[string][]byte{
		"whole":     whole,
		"missing":   zip(t, segment("ab"), file("gone", "x"), segment("cd")),
		"truncated": whole[:len(whole)-12],
	} {
		everyWay(recipe, dir(folder), opts, func(way, _ string, err error) {
			if (err == nil) != (what == "whole") || err != nil && !errors.Is(err, outer) || what == "missing" && !errors.As(err, new(*EntryError)) {
				t.Errorf("%s by %s: %v", what, way, err)
			}
		})
	}

	at := openAt(t, zip(t, file("f", content), file("gone", "xy")), dir(folder), Options{Wrap: opts.Wrap})
	if _, err := at.ReadAt(make([]byte, 1), int64(len(content))); !errors.Is(err, outer) || !errors.Is(err, ErrMissing) {
		t.Errorf("ReadAt: %v", err)
	}
	if _, err := at.ReadAt(make([]byte, 1), at.Size()); err != io.EOF { //nolint:errorlint // exactly io.EOF is the contract
		t.Errorf("ReadAt at the end: %v", err)
	}

	full := errors.New("no space")
	if _, err := open(t, whole, dir(folder), opts).Copy(t.Context(), writeFunc(func([]byte) (int, error) { return 0, full }), CopyOptions{}); !errors.Is(err, full) || errors.Is(err, outer) {
		t.Errorf("the writer's: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := open(t, whole, dir(folder), opts).Copy(ctx, new(bytes.Buffer), CopyOptions{}); !errors.Is(err, context.Canceled) || errors.Is(err, outer) {
		t.Errorf("the context's: %v", err)
	}
	r := open(t, whole, dir(folder), opts)
	_ = r.Close()
	if _, err := r.Next(); !errors.Is(err, fs.ErrClosed) || errors.Is(err, outer) {
		t.Errorf("closed: %v", err)
	}
}

type writeFunc func([]byte) (int, error)

func (f writeFunc) Write(p []byte) (int, error) { return f(p) }
