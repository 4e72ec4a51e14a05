package extract_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/extract"
)

// TestVerify finds content that was changed under its name, before anything is made.
func TestVerify(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault string
		ok    bool
	}{
		"whole":   {"", true},
		"changed": {"break replace l f \"54321\"\n", false},
	} {
		layers := stackOf(t, "layer l\n  file f 0644 \"12345\"\nimage i layer=l\n"+c.fault)
		dir := filepath.Join(t.TempDir(), "out")
		opts := extract.Options{Reflink: extract.ReflinkAuto, NoSameOwner: true, Verify: true}
		report, err := extract.Dir(t.Context(), layers, dir, opts)
		defer os.Chmod(dir, 0o700) // so that it can be removed
		var mismatch *cstor.MismatchError
		if c.ok && (err != nil || len(report.Unverified) > 0) || !c.ok && !errors.As(err, &mismatch) {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
		if _, err := os.Stat(dir); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, spec := range map[string]string{
		"without digests": "layer l no-tar-split\n  file f 0644 \"12345\"\nimage i layer=l\n",
		"lost":            "layer l\n  file f 0644 \"12345\"\n  file /f 0644 \"54321\"\nimage i layer=l\n",
	} {
		layers := stackOf(t, spec)
		opts := extract.Options{Reflink: extract.ReflinkAuto, NoSameOwner: true, Verify: true}
		dir := filepath.Join(t.TempDir(), "out")
		report, err := extract.Dir(t.Context(), layers, dir, opts)
		defer os.Chmod(dir, 0o700) // so that it can be removed
		if err != nil || len(report.Unverified) != 1 {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
	}
}

// TestVerifyLast: content is read when nothing else is in the way.
func TestVerifyLast(t *testing.T) {
	t.Parallel()
	layers := stackOf(t, "layer l\n  file f 0644 \"12345\"\nimage i layer=l\nbreak replace l f \"54321\"\n")
	full := t.TempDir()
	check(t, os.WriteFile(filepath.Join(full, "here"), nil, 0o644))
	_, err := extract.Dir(t.Context(), layers, full, extract.Options{Verify: true, NoSameOwner: true})
	if !errors.Is(err, extract.ErrDestination) {
		t.Errorf("directory: %v", err)
	}
	_, err = extract.Tar(t.Context(), layers, io.Discard, extract.TarOptions{Verify: true, Path: "nothing"})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("tar: %v", err)
	}
}
