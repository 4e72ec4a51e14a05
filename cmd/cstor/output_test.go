package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
)

// outputStore opens an empty store.
func outputStore(t *testing.T) *cstor.Storage {
	t.Helper()
	s, err := cstor.Open(t.Context(), storetest.New(t, "", storetest.Options{}).Root, cstor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func mustWrite(t *testing.T, name, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil { // the umask does not count
		t.Fatal(err)
	}
}

func mustRead(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestOutputNewFile: a file has its name from commit on, and no trace of it is left
// without.
func TestOutputNewFile(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		existing string
		commit   bool
		want     string
	}{
		{"new, committed", "", true, "new"},
		{"new, aborted", "", false, ""},
		{"existing, committed", "old", true, "new"},
		{"existing, aborted", "old", false, "old"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			name := filepath.Join(dir, "layer.tar")
			if tt.existing != "" {
				mustWrite(t, name, tt.existing, 0o604)
			}
			a := &app{stdout: io.Discard}
			out, err := a.create(t.Context(), outputStore(t), name)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(out, "new"); err != nil {
				t.Fatal(err)
			}
			if tt.existing != "" && mustRead(t, name) != tt.existing {
				t.Error("the old content is gone before commit")
			} else if _, err := os.Lstat(name); tt.existing == "" && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("there before commit: %v", err)
			}
			if tt.commit {
				if err := out.commit(); err != nil {
					t.Fatal(err)
				}
			}
			out.abort()
			out.abort() // twice is fine
			if tt.want == "" {
				if left := names(t, dir); len(left) > 0 {
					t.Errorf("left behind: %q", left)
				}
				return
			}
			if got := names(t, dir); !slices.Equal(got, []string{"layer.tar"}) {
				t.Errorf("the folder has %q", got)
			}
			if got := mustRead(t, name); got != tt.want {
				t.Errorf("content %q, want %q", got, tt.want)
			}
			if info, err := os.Lstat(name); err != nil || tt.existing != "" && info.Mode().Perm() != 0o604 {
				t.Errorf("mode %v (%v), want 0604", info.Mode(), err)
			}
		})
	}
}

// TestOutputTwoAtOnce: two runs that write the same name do not meet.
func TestOutputTwoAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "layer.tar")
	a, s := &app{stdout: io.Discard}, outputStore(t)
	var outs []*output
	for _, text := range []string{"first", "second"} {
		out, err := a.create(t.Context(), s, name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(out, text); err != nil {
			t.Fatal(err)
		}
		outs = append(outs, out)
	}
	for _, out := range outs {
		if err := out.commit(); err != nil {
			t.Fatal(err)
		}
	}
	if got := mustRead(t, name); got != "second" {
		t.Errorf("content %q, want that of the last", got)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"layer.tar"}) {
		t.Errorf("the folder has %q", got)
	}
}

// TestOutputCommitFails: what cannot get its name goes away.
func TestOutputCommitFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "layer.tar")
	a := &app{stdout: io.Discard}
	out, err := a.create(t.Context(), outputStore(t), name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(name, 0o755); err != nil { // somebody made it meanwhile
		t.Fatal(err)
	}
	if err := out.commit(); err == nil {
		t.Error("a folder was replaced")
	}
	out.abort()
	if got := names(t, dir); !slices.Equal(got, []string{"layer.tar"}) {
		t.Errorf("the folder has %q", got)
	}
}

func TestOutputStandardOutput(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "-"} {
		var b bytes.Buffer
		out, err := (&app{stdout: &b}).create(t.Context(), outputStore(t), name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(out, "x"); err != nil {
			t.Fatal(err)
		}
		if err := out.commit(); err != nil {
			t.Error(err)
		}
		out.abort()
		if b.String() != "x" {
			t.Errorf("%q: got %q", name, &b)
		}
	}
}

// TestOutputFIFOWithoutReader: waiting for a reader ends with the context.
func TestOutputFIFOWithoutReader(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	s := outputStore(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	errEnough := errors.New("enough")
	cancel(errEnough)
	if _, err := (&app{stdout: io.Discard}).create(ctx, s, name); !errors.Is(err, errEnough) {
		t.Errorf("got %v, want the cause", err)
	}
	// Let the one who waits go.
	r, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
}

// TestLinkEnd: where links lead, whether something is there or not.
func TestLinkEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, sub := range []string{"a", "a/b"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		"absolute": filepath.Join(dir, "target"),
		"relative": "target",
		"twice":    "relative",
		"deep":     "a/b/../target",
		"dir":      "a/b",
		"a/up":     "../target",
		"loop":     "loop",
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"nothing":    "nothing",
		"absolute":   "target",
		"relative":   "target",
		"twice":      "target",
		"deep":       "a/b/../target",
		"a/up":       "a/../target",
		"dir/../x":   "dir/../x", // the kernel takes it for a/x
		"dir/../up":  "dir/../../target",
		"loop":       "loop",
		"dir/../b":   "dir/../b",
		"a/../twice": "a/../target",
	} {
		if got := linkEnd(dir + "/" + name); got != dir+"/"+want {
			t.Errorf("linkEnd(%q) = %q, want %q", name, got, want)
		}
	}
}
