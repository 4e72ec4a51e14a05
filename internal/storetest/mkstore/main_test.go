package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	t.Parallel()
	spec := filepath.Join(t.TempDir(), "spec")
	if err := os.WriteFile(spec, []byte("layer from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string // DIR stands for a new folder
		want string   // begins a line of the output
	}{
		{"sample", []string{"DIR"}, "image docker.io/library/sample:1 "},
		{"flags", []string{"--driver", "vfs", "--no-locks", "DIR"}, "container work "},
		{"file", []string{"DIR", spec}, "layer from-file "},
		{"standard input", []string{"DIR", "-"}, "layer from-stdin "},
		{"many", []string{"--many", "2,3", "DIR"}, "layer layer-2 "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "store")
			t.Cleanup(func() { // layers have folders of mode 0555
				_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
					if err == nil && d.IsDir() {
						_ = os.Chmod(path, 0o700)
					}
					return nil
				})
			})
			for i, a := range tt.args {
				tt.args[i] = strings.ReplaceAll(a, "DIR", dir)
			}
			var out bytes.Buffer
			if err := run(tt.args, strings.NewReader("layer from-stdin\n"), &out); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(out.String(), "\n"+tt.want) || !strings.HasPrefix(out.String(), "root "+dir+"\n") {
				t.Errorf("output:\n%s", &out)
			}
		})
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"a", "b", "c"}, {"--many", "two", "a"}, {"--many", "1,1", "a", "b"}} {
		if err := run(args, nil, nil); !errors.Is(err, errUsage) {
			t.Errorf("%q: %v", args, err)
		}
	}
}
