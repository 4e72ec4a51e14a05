package conformance

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cstor-go/cstor"

	"github.com/cstor-go/cstor/conformance/corpus"
	"github.com/cstor-go/cstor/conformance/peers"
	"github.com/cstor-go/cstor/conformance/registry"
)

// copyToOCI runs the command on a store, and returns the digests that it prints and what it says.
func copyToOCI(t *testing.T, s *corpus.Store, args ...string) (digests []string, said string) {
	t.Helper()
	digests, said, err := tryCopyToOCI(t.Context(), t, s, args...)
	if err != nil {
		t.Fatalf("copy-to-oci %v: %v: %s", args, err, said)
	}
	return digests, said
}

func tryCopyToOCI(ctx context.Context, t *testing.T, s *corpus.Store, args ...string) (digests []string, said string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	argv := slices.Concat(storeFlags(t, s, t.TempDir()), []string{"--no-unshare", "copy-to-oci"}, args)
	cmd := exec.CommandContext(ctx, cstorBinary(t), argv...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	return strings.Fields(stdout.String()), stderr.String(), err
}

// startRegistry starts Debian's registry, which ends with the test.
func startRegistry(t *testing.T, opts registry.Options) *registry.Registry {
	t.Helper()
	r, err := registry.Start(t.TempDir(), opts)
	if errors.Is(err, registry.ErrMissing) && os.Getenv("CSTOR_REQUIRE_PEERS") != "1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stop(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// openStore opens a store by cstor until the test ends.
func openStore(t *testing.T, s *corpus.Store) *cstor.Storage {
	t.Helper()
	conf := filepath.Join(t.TempDir(), "storage.conf")
	if err := os.WriteFile(conf, []byte(s.Configuration()), 0o600); err != nil {
		t.Fatal(err)
	}
	st, err := cstor.Discover(t.Context(), cstor.DiscoverOptions{ConfigFile: conf, Getenv: func(string) (string, bool) { return "", false }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st
}

// copied are images of the store "machine-root" that the tools shall read: one with everything that files can have, and one
// whose layer is empty.
var copied = []string{"docker.io/library/fixture:gzip", "docker.io/library/empty:latest"}

// desk is a folder that a peer sees under another name.
type desk struct {
	*peers.Peer
	here, there string
}

func newDesk(t *testing.T, peer string) *desk {
	t.Helper()
	needRoot(t)
	p, err := lab.Peer(peer)
	if errors.Is(err, peers.ErrMissing) && !peers.Required(peer) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	here, err := os.MkdirTemp(filepath.Join(p.Root, "var/tmp"), "cstor-conformance-oci-") //nolint:usetesting // the peer has to see it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(here); err != nil {
			t.Error(err)
		}
	})
	return &desk{p, here, filepath.Join("/var/tmp", filepath.Base(here))}
}

// run runs a script there, in the folder.
func (d *desk) run(t *testing.T, script string) string {
	t.Helper()
	out, err := d.Run(t.Context(), peers.Command{Script: "cd " + d.there + "\n" + script, Timeout: time.Minute})
	if err != nil {
		t.Fatalf("%s: %v\n%s", d.Name, err, script)
	}
	return string(out)
}
