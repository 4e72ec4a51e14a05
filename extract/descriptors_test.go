package extract_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cstor-go/cstor/extract"
	"github.com/cstor-go/cstor/tarsplit"
)

// TestDescriptors: an extraction that fails or is cancelled leaves no directory open,
// however much of it was still to be done.
func TestDescriptors(t *testing.T) {
	t.Parallel()
	var spec strings.Builder
	spec.WriteString("layer l\n")
	for n := range 600 {
		fmt.Fprintf(&spec, "  file d/%04d 0644 \"x\"\n", n)
	}
	spec.WriteString("image i layer=l\n")
	whole, damaged := stackOf(t, spec.String()), stackOf(t, spec.String()+"break remove l d/0000\n")
	at := t.TempDir()
	for n := range 10 {
		dir := filepath.Join(at, itoa(n))
		opts := extract.Options{Reflink: extract.ReflinkAuto, NoSameOwner: true, Parallel: 8}
		if _, err := extract.Dir(t.Context(), damaged, dir, opts); !errors.Is(err, tarsplit.ErrMissing) {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		opts.Progress = func(extract.Progress) { cancel() }
		if _, err := extract.Dir(ctx, whole, dir, opts); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	const fds = "/proc/self/fd"
	all, err := os.ReadDir(fds)
	check(t, err)
	left := 0
	for _, fd := range all {
		if name, err := os.Readlink(filepath.Join(fds, fd.Name())); err == nil && strings.HasPrefix(name, at) {
			left++
		}
	}
	if left > 0 {
		t.Errorf("%d directories are open", left)
	}
}
