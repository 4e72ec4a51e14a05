package conformance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor"

	"github.com/cstor-go/cstor/conformance/answer"
	"github.com/cstor-go/cstor/conformance/corpus"
	"github.com/cstor-go/cstor/conformance/peers"
)

// TestOwnersAsRoots runs the cstor binary as root on stores of an ordinary user, whose images another store has that root
// wrote: "cstor ls" and "cstor toc" tell the same owners of both, and so do views by package imagefs.
func TestOwnersAsRoots(t *testing.T) {
	for _, pair := range [][2]string{
		{"trixie-user", "trixie-root"},
		{"trixie-user-fuse", "trixie-root"},
		{"trixie-user-vfs", "trixie-root-vfs"},
		{"sid-user", "sid-root"},
		{"sid-user-fuse", "sid-root"},
	} {
		t.Run(pair[0], func(t *testing.T) {
			t.Parallel()
			users, roots := imagesOf(t, named(t, pair[0])), imagesOf(t, named(t, pair[1]))
			var ids []string
			for id := range users {
				if _, both := roots[id]; both {
					ids = append(ids, id)
				}
			}
			slices.Sort(ids)
			if len(ids) < 5 {
				t.Fatalf("%d images in both", len(ids))
			}
			mine, theirs := listedByRoot(t, pair[0], ids), listedByRoot(t, pair[1], ids)
			names := 0
			for _, id := range ids {
				names += len(mine["files "+id])
				for _, command := range []string{"ls", "toc"} {
					names += len(mine[command+" "+id])
					compareOwners(t, id+" by "+command, theirs[command+" "+id], mine[command+" "+id], true)
				}
				compareOwners(t, id+" by imagefs", theirs["files "+id], mine["files "+id], false)
			}
			if names < 10*len(ids) {
				t.Errorf("%d names in %d images", names, len(ids))
			}
			t.Logf("%d images, %d names", len(ids), names)
		})
	}
}

// compareOwners compares what both have: an ordinary user's store lacks devices, and shows other implied directories.
func compareOwners(t *testing.T, what string, want, got owners, all bool) {
	t.Helper()
	if all && len(want) != len(got) {
		t.Errorf("%s: %d names, and %d in root's store", what, len(got), len(want))
	}
	for name := range want {
		if _, ok := got[name]; !ok && !all {
			delete(want, name)
		}
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-root's +the user's):\n%s", what, diff)
	}
}

// imagesOf are the ids of images that have layers.
func imagesOf(t *testing.T, s *corpus.Store) map[string]bool {
	t.Helper()
	st, err := answer.OpenCstor(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	ids := map[string]bool{}
	for i, err := range st.Images() {
		if err != nil {
			t.Fatal(err)
		}
		if layers, err := i.Layers(); err == nil && len(layers) > 0 {
			ids[i.ID()] = true
		}
	}
	return ids
}

// listedByRoot runs both commands in the store's box, by root who sees the store from outside, and looks at the files.
func listedByRoot(t *testing.T, name string, ids []string) map[string]owners {
	t.Helper()
	s := named(t, name)
	box, err := lab.Peer(strings.Split(name, "-")[0])
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(cstorBinary(t))
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(filepath.Join(box.Root, "var/tmp"), "cstor-owners-") //nolint:usetesting // in the box
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.WriteFile(filepath.Join(dir, "cstor"), binary, 0o755); err != nil {
		t.Fatal(err)
	}
	inside := func(path string) string {
		return "/" + strings.TrimPrefix(strings.TrimPrefix(path, box.Root), "/")
	}
	var script strings.Builder
	for _, id := range ids {
		fmt.Fprintf(&script, "echo '# ls %s'; $CSTOR ls -R --format json %[1]s /; echo '# toc %[1]s'; $CSTOR toc %[1]s\n", id)
	}
	out, err := box.Run(t.Context(), peers.Command{
		Script: script.String(), Env: []string{"CSTOR=" + inside(dir) + "/cstor --root " + inside(s.GraphRoot)},
	})
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]owners{}
	var at owners
	for line := range bytes.Lines(out) {
		if what, ok := strings.CutPrefix(strings.TrimSpace(string(line)), "# "); ok {
			at = owners{}
			listed[what] = at
			continue
		}
		var e struct {
			Path, Name, Type string
			UID, GID         int64
		}
		if err := json.Unmarshal(bytes.TrimRight(line, ",\n"), &e); err != nil {
			continue // the brackets of a table of contents
		}
		if e.Type == "hardlink" { // repeats the first name's, or nothing
			continue
		}
		at[e.Path+e.Name] = fmt.Sprintf("%d:%d", e.UID, e.GID)
	}
	for _, id := range ids {
		listed["files "+id] = filesIn(t, box, s, id)
	}
	return listed
}

// filesIn looks at an image's files as the box's root does.
func filesIn(t *testing.T, box *peers.Peer, s *corpus.Store, id string) owners {
	t.Helper()
	st, err := openInPeer(t, box, s)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	i, err := st.Image(id)
	if err != nil {
		t.Fatal(err)
	}
	layers, err := i.Layers()
	if err != nil {
		t.Fatal(err)
	}
	var o owned
	all, err := o.merged(layers)
	if err != nil || o.Refused > 0 {
		t.Fatalf("%v, %d names refused", err, o.Refused)
	}
	return all
}

// openInPeer opens a store, or a copy of it that lies alone in a folder. The store of an ordinary user is opened as one of a
// system that has the peer's lists of subordinate ids, since they say what its owners mean.
func openInPeer(t *testing.T, p *peers.Peer, s *corpus.Store) (*cstor.Storage, error) {
	t.Helper()
	if !s.User {
		return answer.OpenCstor(t.Context(), s)
	}
	root, conf := p.Root, filepath.Join(s.Base, "out", "storage.conf")
	if !strings.HasPrefix(s.Base, root+"/") {
		root, conf = filepath.Dir(s.Base), filepath.Join(filepath.Dir(s.Base), "storage.conf")
		text := s.At(strings.TrimPrefix(s.Base, root)).Configuration()
		if err := errors.Join(copyLists(p, root), os.WriteFile(conf, []byte(text), 0o644)); err != nil {
			return nil, err
		}
	}
	return cstor.Discover(t.Context(), cstor.DiscoverOptions{Sysroot: root, ConfigFile: strings.TrimPrefix(conf, root), Driver: s.Driver})
}

// copyLists copies a peer's lists of users into another root.
func copyLists(p *peers.Peer, root string) error {
	err := os.MkdirAll(filepath.Join(root, "etc"), 0o755)
	for _, name := range []string{"passwd", "subuid", "subgid"} {
		text, readErr := os.ReadFile(filepath.Join(p.Root, "etc", name))
		err = errors.Join(err, readErr, os.WriteFile(filepath.Join(root, "etc", name), text, 0o644))
	}
	return err
}
