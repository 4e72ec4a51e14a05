package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"go.podman.io/storage/pkg/reexec"

	"github.com/cstor-go/cstor/userns"

	"github.com/cstor-go/cstor/conformance/contents"
	"github.com/cstor-go/cstor/conformance/corpus"
	"github.com/cstor-go/cstor/conformance/peers"
)

var (
	lab     *corpus.Lab // shared by all tests
	scratch string      // a folder that goes away with the process
)

func TestMain(m *testing.M) {
	userns.Init() // see TestRootlessStores, as the next
	contents.ReadMain()
	if reexec.Init() { // the reference library unpacks layers in processes of its own
		os.Exit(0)
	}
	if root := os.Getenv(ownersOf); root != "" { // see TestOwners
		os.Exit(printOwners(root))
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if os.Geteuid() == 0 && os.Getenv("CSTOR_CONFORMANCE_MOUNTS") == "" {
		// Mounts that the reference library makes go away with this process, however it ends.
		if err := isolate(); err != nil {
			fmt.Fprintln(os.Stderr, "conformance: go on without a mount namespace:", err)
		}
	}
	var err error
	scratch, err = os.MkdirTemp("", "cstor-conformance-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(scratch)
	// Neither library may see the machine's own configuration.
	conf := filepath.Join(scratch, "storage.conf")
	if err := os.WriteFile(conf, nil, 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := os.Setenv("CONTAINERS_STORAGE_CONF", conf); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	lab, err = corpus.NewLab(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := lab.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "conformance: clean up:", err)
		return 1
	}
	return code
}

// isolate starts this program anew in a mount namespace; it returns only when that is not possible.
func isolate() error {
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		return err
	}
	if out, err := exec.Command(unshare, "--mount", "true").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := append([]string{unshare, "--mount", self}, os.Args[1:]...)
	return syscall.Exec(unshare, args, append(os.Environ(), "CSTOR_CONFORMANCE_MOUNTS=private"))
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("CSTOR_REQUIRE_PEERS") == "1" {
			t.Fatal("every peer is required, and stores are built by root: run the tests as root")
		}
		t.Skip("stores are built by root: run the tests as root")
	}
}

// built returns the store of that name, which is built once for all tests; a peer that is missing skips the test.
func built(t *testing.T, c corpus.Corpus) *corpus.Store {
	t.Helper()
	needRoot(t)
	s, err := lab.Build(t.Context(), c)
	if errors.Is(err, peers.ErrMissing) && !peers.Required(c.Peer) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// named returns the store of that name in the table.
func named(t *testing.T, name string) *corpus.Store {
	t.Helper()
	i := slices.IndexFunc(corpus.Table, func(c corpus.Corpus) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("no store %q", name)
	}
	return built(t, corpus.Table[i])
}

// TestPeers prints the versions of every peer, and fails when one is missing that must be there.
func TestPeers(t *testing.T) {
	for _, name := range peers.Names {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // making a box takes a while
			p, err := lab.Peer(name)
			if errors.Is(err, peers.ErrMissing) && !peers.Required(name) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			versions, err := p.Versions(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Log(versions)
		})
	}
}
