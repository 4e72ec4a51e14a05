package conformance

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/imagefs"

	"github.com/cstor-go/cstor/conformance/corpus"
	"github.com/cstor-go/cstor/conformance/peers"
)

// ownersOf in the environment names a graph root of which this program prints the owners, in place of running tests: so it
// can do that in a box, and in user namespaces there.
const ownersOf = "CSTOR_OWNERS_OF"

// owners are "UID:GID" by path. For a file with capabilities they follow, in hexadecimal: the kernel keeps in them whose root
// they count for.
type owners map[string]string

// capability is what build.sh gives d/0-0, by which the file of anybody who is root in a namespace has it there.
const capability = "0100000200200000000000000000000000000000"

// owned is what cstor says of a store of the step "owned", and of containers by their names.
type owned struct {
	Image   owners            // localhost/owned:2, merged
	Trees   map[string]owners // containers, merged
	Own     map[string]owners // what Lstat says of the containers' own layers
	Entries map[string]owners // the entries of these
	Refused int               // names that may not be looked at
	Maps    map[string]idMaps // the containers'
}

// idMaps are those of a container.
type idMaps struct {
	UIDs, GIDs []cstor.IDMap
	Chowned    bool // the image's top layer was copied for them
}

// printOwners prints an owned as JSON.
func printOwners(root string) int {
	s, err := cstor.Open(context.Background(), root, cstor.Options{})
	if err == nil {
		defer s.Close()
		var o owned
		if o, err = ownersIn(context.Background(), s); err == nil {
			err = json.NewEncoder(os.Stdout).Encode(o)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// ownersIn asks for all owners of a store.
func ownersIn(ctx context.Context, s *cstor.Storage) (owned, error) {
	o := owned{Trees: map[string]owners{}, Own: map[string]owners{}, Entries: map[string]owners{}, Maps: map[string]idMaps{}}
	i, err := s.Image("localhost/owned:2")
	if err != nil {
		return o, err
	}
	layers, err := i.Layers()
	if err == nil {
		o.Image, err = o.merged(layers)
	}
	if err != nil {
		return o, err
	}
	for c, err := range s.Containers() {
		if err != nil {
			return o, err
		}
		name := c.String()
		layers, err := c.Layers()
		if err != nil {
			return o, err
		}
		copied := len(layers) > 1 && len(layers[len(layers)-2].UIDMap()) > 0
		o.Maps[name] = idMaps{c.UIDMap(), c.GIDMap(), copied}
		if o.Trees[name], err = o.merged(layers); err != nil {
			return o, err
		}
		own := layers[len(layers)-1]
		o.Own[name], o.Entries[name] = owners{}, owners{}
		for e, err := range own.Entries(ctx) {
			if errors.Is(err, fs.ErrPermission) {
				o.Refused++
				break
			}
			if err != nil {
				return o, fmt.Errorf("%s: %w", name, err)
			}
			if strings.HasPrefix(path.Base(e.Name), ".wh.") {
				continue
			}
			at := pathOf(e.Name)
			o.Entries[name][at] = fmt.Sprintf("%d:%d", e.UID, e.GID)
			n, err := own.Lstat(at)
			if err != nil {
				return o, err
			}
			o.Own[name][at] = fmt.Sprintf("%d:%d", n.UID, n.GID)
		}
	}
	return o, nil
}

// merged are the owners in the tree of layers, as far as it may be looked at.
func (o *owned) merged(layers []*cstor.Layer) (owners, error) {
	all := owners{}
	fsys, err := imagefs.New(layers, imagefs.Options{})
	if errors.Is(err, fs.ErrPermission) {
		o.Refused++
		return all, nil
	}
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrPermission) {
			o.Refused++
			return nil
		}
		if errors.Is(err, fs.ErrInvalid) { // a name that is not UTF-8
			return nil
		}
		if err != nil {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrPermission) {
			o.Refused++
			return nil
		}
		if err == nil {
			st := info.Sys().(*imagefs.Stat)
			all[name] = fmt.Sprintf("%d:%d", st.UID, st.GID)
			if value, ok := st.Xattrs["security.capability"]; ok {
				all[name] += fmt.Sprintf(" %x", value)
			}
		}
		return err
	})
	return all, err
}

// pathOf is where a name of a tar leads in a tree.
func pathOf(name string) string { return path.Clean(strings.TrimPrefix(path.Clean("/"+name), "/")) }

// TestOwners holds owners that cstor shows against the names of files, which say what they are, and against what containers
// with id maps see. A store of an ordinary user is read from everywhere: by root, in a mounted system, inside the user's
// namespace, and by himself outside of it, who may not see all.
func TestOwners(t *testing.T) {
	for _, c := range corpus.Owned {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			s := built(t, c)
			seen, err := s.Seen()
			if err != nil {
				t.Fatal(err)
			}
			want := 5
			if c.User {
				want = 7
			}
			if len(seen) != want {
				t.Fatalf("%d containers were run, want %d", len(seen), want)
			}
			asked := askOwners(t, c, s)
			for way, o := range asked {
				t.Run(way, func(t *testing.T) { checkOwners(t, c, o, seen, way) })
			}
			for way, o := range asked {
				if way == "user" { // sees less
					continue
				}
				if diff := gocmp.Diff(asked["root"], o); diff != "" {
					t.Errorf("-root +%s:\n%s", way, diff)
				}
			}
		})
	}
}

// askOwners asks from everywhere.
func askOwners(t *testing.T, c corpus.Corpus, s *corpus.Store) map[string]owned {
	t.Helper()
	box, err := lab.Peer(c.Peer)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	helper := filepath.Join(s.Base, "owners")
	if out, err := exec.CommandContext(t.Context(), "cp", self, helper).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	inside := "/" + strings.TrimPrefix(strings.TrimPrefix(s.Base, box.Root), "/")
	ask := func(user bool, command string) owned {
		t.Helper()
		out, err := box.Run(t.Context(), peers.Command{
			User: user,
			Env: []string{
				ownersOf + "=" + inside + "/root", "OWNERS=" + inside + "/owners", "HOME=" + inside + "/out/home",
				"XDG_RUNTIME_DIR=" + inside + "/run", "CONTAINERS_STORAGE_CONF=" + inside + "/out/storage.conf",
			},
			Script: command,
		})
		if err != nil {
			t.Fatal(err)
		}
		var o owned
		if err := json.Unmarshal(out, &o); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return o
	}
	asked := map[string]owned{"root": ask(false, "$OWNERS")}
	if !c.User {
		return asked
	}
	asked["inside"] = ask(true, "buildah unshare $OWNERS 2> /dev/null")
	asked["user"] = ask(true, "$OWNERS")
	asked["mounted"] = ownersMounted(t, box, s)
	return asked
}

// ownersMounted asks about a copy of the store in a system that has the box's lists of users.
func ownersMounted(t *testing.T, box *peers.Peer, s *corpus.Store) owned {
	t.Helper()
	disk := t.TempDir()
	home := filepath.Join(disk, "home/u1/.local/share/containers")
	if err := errors.Join(copyLists(box, disk), os.MkdirAll(home, 0o755)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "cp", "-a", "--reflink=auto", s.GraphRoot, filepath.Join(home, "storage")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	st, err := cstor.Discover(t.Context(), cstor.DiscoverOptions{Sysroot: disk, Driver: s.Driver})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	o, err := ownersIn(t.Context(), st)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// saysOwner is the name of a file that says who owns it; a link's begins with an l.
var saysOwner = regexp.MustCompile(`^(l?)([0-9]+)-([0-9]+)$`)

// capable: see build.sh.
func capable(name string) bool { return name == "d/0-0" || name == "d/same/0-0" }

// checkOwners checks the answers of one way to ask.
func checkOwners(t *testing.T, c corpus.Corpus, o owned, seen map[string]string, way string) {
	masked := strings.Contains(c.Options, "force_mask")
	if (o.Refused > 0) != (way == "user") && way != "user" {
		t.Errorf("%d names could not be looked at", o.Refused)
	}
	checked := 0
	for name, got := range o.Image {
		want := "0:0"
		if m := saysOwner.FindStringSubmatch(path.Base(name)); m != nil && (m[1] == "" || !masked) { // a link has no attribute
			want = m[2] + ":" + m[3]
		}
		if capable(name) {
			want += " " + capability
		}
		if checked++; got != want {
			t.Errorf("image: %s is of %s, want %s", name, got, want)
		}
	}
	if checked < 40 && way != "user" {
		t.Errorf("the image has %d files", checked)
	}
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		n := 0
		for line := range strings.Lines(seen[name]) {
			want, at, _ := strings.Cut(strings.TrimSpace(line), " ")
			at = pathOf(at)
			got, ok := o.Trees[name][at]
			if capable(at) {
				want += " " + capability
			}
			if !ok && way == "user" {
				continue
			}
			n++
			if _, own := o.Own[name][at]; !own && got != want {
				got = o.Maps[name].inContainer(got)
			}
			if got != want {
				t.Errorf("container %s: %s is of %s, and seen as of %s", name, at, cmp.Or(got, "nobody: not there"), want)
			}
			if entry, own := o.Entries[name][at]; own && entry != want {
				t.Errorf("container %s: the entry %s is of %s, and seen as of %s", name, at, entry, want)
			}
		}
		if n < 50 && way != "user" {
			t.Errorf("container %s has %d files", name, n)
		}
		if n > len(seen[name]) || len(o.Entries[name]) < 10 && way != "user" {
			t.Errorf("container %s: %d entries", name, len(o.Entries[name]))
		}
	}
	// What was never mounted looks as what was.
	for name, got := range o.Trees["never"] {
		if want, ok := o.Trees["shifted"][name]; ok && strings.HasPrefix(name, "d/") && got != want {
			t.Errorf("container never: %s is of %s, and in another one of %s", name, got, want)
		}
	}
	if len(o.Trees["never"]) < 50 && way != "user" {
		t.Errorf("container never: %d files", len(o.Trees["never"]))
	}
}
