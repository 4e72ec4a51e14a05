package conformance

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor/conformance/corpus"
	"github.com/cstor-go/cstor/conformance/peers"
)

// TestContainers holds the trees of containers against `podman export` (or, of buildah's, against what it mounts), and what
// they have changed against `podman diff --format json`. The cstor command runs where the containers did, as the user who
// ran them.
func TestContainers(t *testing.T) {
	for _, c := range corpus.Diffed {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			s := built(t, c)
			said, err := filepath.Glob(filepath.Join(s.Base, "out", "diff.*.json"))
			if err != nil || len(said) < 4 {
				t.Fatalf("%d containers: %v", len(said), err)
			}
			run := commandIn(t, c, s)
			for _, file := range said {
				name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "diff."), ".json")
				t.Run(name, func(t *testing.T) {
					compareDiff(t, c, file, run("diff-container --format json "+name))
					theirs, err := os.ReadFile(filepath.Join(s.Base, "out", "tree."+name+".tar"))
					if err != nil {
						t.Fatal(err)
					}
					sameTars(t, theirs, run("export-image --quiet --container "+name))
				})
			}
		})
	}
}

// commandIn returns a way to run the cstor command in a store's peer.
func commandIn(t *testing.T, c corpus.Corpus, s *corpus.Store) func(args string) []byte {
	t.Helper()
	box, err := lab.Peer(c.Peer)
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(s.Base, "cstor")
	if out, err := exec.CommandContext(t.Context(), "cp", cstorBinary(t), binary).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	inside := "/" + strings.TrimPrefix(strings.TrimPrefix(s.Base, box.Root), "/")
	return func(args string) []byte {
		t.Helper()
		out, err := box.Run(t.Context(), peers.Command{
			User:   c.User,
			Env:    []string{"HOME=" + inside + "/out/home", "XDG_RUNTIME_DIR=" + inside + "/run"},
			Script: inside + "/cstor --storage-conf " + inside + "/out/storage.conf " + args,
		})
		if err != nil {
			t.Fatalf("%s: %v", args, err)
		}
		return out
	}
}

// compareDiff compares two answers in podman's form. Where podman compares whole trees, its order is that of a Go map.
func compareDiff(t *testing.T, c corpus.Corpus, file string, mine []byte) {
	t.Helper()
	theirs, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var a, b map[string][]string
	if err := errors.Join(json.Unmarshal(theirs, &a), json.Unmarshal(mine, &b)); err != nil {
		t.Fatalf("%v: %s", err, mine)
	}
	// With a mount program podman does not tell what was in a directory that was deleted and made anew, though its export has
	// it no more (seen with 5.4, fuse-overlayfs 1.14).
	if b["deleted"] != nil && strings.Contains(c.Options, "mount_program") {
		b["deleted"] = slices.DeleteFunc(b["deleted"], func(name string) bool { return name == "/d/replaced/x" })
	}
	for _, m := range []map[string][]string{a, b} {
		for _, list := range m {
			slices.Sort(list)
		}
	}
	if diff := gocmp.Diff(a, b); diff != "" {
		t.Errorf("-podman +cstor:\n%s", diff)
	}
}

// sameTars compares what two tars unpack to; times to the second, to which podman rounds them.
func sameTars(t *testing.T, theirs, mine []byte) {
	t.Helper()
	want, err := entriesOf(theirs)
	if err != nil {
		t.Fatal(err)
	}
	got, err := entriesOf(mine)
	if err != nil {
		t.Fatal(err)
	}
	if len(want) < 20 {
		t.Errorf("podman's tar has %d entries", len(want))
	}
	for name, w := range want {
		g, ok := got[name]
		if late := g.time - w.time; !ok || g.text != w.text || late < -1 || late > 1 {
			t.Errorf("%s:\n got %v\nwant %v", name, g, w)
		}
	}
	for name, g := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s should not be there: %v", name, g)
		}
	}
}

// node is what a tar says of a name.
type node struct {
	text string
	time int64
}

// entriesOf reads a tar. All names of a file are alike. The root is left out: not all tars have it.
func entriesOf(b []byte) (map[string]node, error) {
	all := map[string]node{}
	for r := tar.NewReader(strings.NewReader(string(b))); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		name := path.Clean("/" + h.Name)
		if name == "/" {
			continue
		}
		if h.Typeflag == tar.TypeLink {
			all[name] = all[path.Clean("/"+h.Linkname)]
			continue
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, r); err != nil {
			return nil, err
		}
		mode := h.Mode & 0o7777
		if h.Typeflag == tar.TypeSymlink {
			mode = 0
		}
		all[name] = node{fmt.Sprintf("%c %04o %d:%d %d %q %x", h.Typeflag, mode, h.Uid, h.Gid, h.Size, h.Linkname, sum.Sum(nil)[:6]), h.ModTime.Unix()}
	}
}
