package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cstor-go/cstor/internal/registrytest"
	"github.com/cstor-go/cstor/internal/storetest"
)

// TestCopyProgress: on a terminal a line for each layer is left, and no other lines of
// layers; of a layer that is sent to a registry all bytes are told as well.
func TestCopyProgress(t *testing.T) {
	t.Setenv("TERM", "xterm")
	t.Setenv("_CSTOR_UNSHARED", "1") // as in scripts
	s := storetest.New(t, `
layer base
  file a 0644 size=100K seed=1
layer top parent=base
  file b 0644 size=200K seed=2
image localhost/i:1 layer=top
`, storetest.Options{})
	reg := registrytest.New(registrytest.Options{})
	defer reg.Close()
	var layers, again []string
	for _, l := range []storetest.LayerInfo{s.Layer("base"), s.Layer("top")} {
		line := fmt.Sprintf("%s done %s", l.ID[:12], size(int64(len(l.Tar))))
		layers, again = append(layers, line), append(again, line+"  was there")
	}
	slices.Sort(layers)
	slices.Sort(again)
	out := t.TempDir()
	for _, tt := range []struct {
		name string
		args []string
		want []string
	}{
		{"layout", []string{"i:1", out + "/layout"}, layers},
		{"again", []string{"i:1", out + "/layout"}, again},
		{"compressed", []string{"--compression", "gzip", "i:1", out + "/gz"}, layers},
		{"registry", []string{"--tls-verify=false", "i:1", "docker://" + reg.Host + "/i"}, layers},
		{"registry again", []string{"--tls-verify=false", "i:1", "docker://" + reg.Host + "/i"}, again},
		{"quiet", []string{"-q", "i:1", out + "/layout"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newTerminal(t, 24, 100)
			var stdout bytes.Buffer
			a := &app{stdout: &stdout, stderr: d.tty}
			a.progress.patience = -1
			cmd := a.command()
			cmd.SetArgs(append([]string{"--root", s.Root, "--no-unshare", "copy-to-oci"}, tt.args...))
			err := cmd.ExecuteContext(t.Context())
			d.close(t)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, line := range d.seen() {
				if strings.Contains(line, " done ") || strings.HasPrefix(line, "layer") {
					got = append(got, line)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("left are %q, want %q", got, tt.want)
			}
			if n := strings.Count(stdout.String(), "sha256:"); n != 1 || stdout.Len() != 72 {
				t.Errorf("standard output has %q", &stdout)
			}
		})
	}
}

// TestCompleteDestination: what is offered for a DEST that has been begun.
func TestCompleteDestination(t *testing.T) {
	t.Setenv("_CSTOR_UNSHARED", "1")
	s := storetest.New(t, "layer l\nimage localhost/i:1 layer=l\n", storetest.Options{})
	t.Chdir(t.TempDir())
	for _, dir := range []string{"out/layout", "other"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile("out/file.tar", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ typed, want string }{
		{"", "docker-archive: docker:// i:1 localhost/i:1 oci-archive: oci: other/ out/"},
		{"oci", "oci-archive: oci:"},
		{"oci:", "oci:other/ oci:out/"},
		{"oci:out/", "oci:out/layout/"},
		{"oci-archive:out/", "oci-archive:out/file.tar oci-archive:out/layout/"},
		{"docker://", ""},
		{"nothing/", ""},
	} {
		var stdout, stderr bytes.Buffer
		run([]string{"__complete", "--root", s.Root, "copy-to-oci", "i:1", tt.typed}, nil, &stdout, &stderr)
		var got []string
		for line := range strings.Lines(stdout.String()) {
			if name, _, _ := strings.Cut(strings.TrimSpace(line), "\t"); name != "" && (!strings.HasPrefix(name, ":")) {
				got = append(got, name)
			}
		}
		slices.Sort(got)
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%q: %q, want %q", tt.typed, strings.Join(got, " "), tt.want)
		}
	}
}
