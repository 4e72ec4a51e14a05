package cstor_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/imagefs"
	"github.com/cstor-go/cstor/internal/storetest"
)

// userDir is where a user's store lies in a mounted system.
const userDir = "home/u1/.local/share/containers/storage"

// TestIDsOfAnOrdinaryUser: a user's store, seen from outside of his namespace, has the
// owners of root's store with the same content.
func TestIDsOfAnOrdinaryUser(t *testing.T) {
	t.Parallel()
	needRoot(t)
	for name, opts := range map[string]storetest.Options{
		"native": {Whiteouts: storetest.WhiteoutsUser},
		"fuse":   {Whiteouts: storetest.WhiteoutsFiles},
		"vfs":    {Driver: "vfs"},
		"masked": {ForceMask: 0o755},
		"flat":   {Flat: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			disk := t.TempDir()
			made := builtStore(t, filepath.Join(disk, userDir), ownedSpec, opts)
			baseWant, ownWant := ownedLayers(t, open(t, made))
			want := []map[string]string{owners(t, baseWant), owners(t, ownWant), entryOwners(t, baseWant), entryOwners(t, ownWant)}
			if got := want[0]["srv/www"]; got != "33:34" {
				t.Fatalf("root's store has srv/www of %s", got)
			}
			onDisk := storetest.UserID(1000, 100000)
			if opts.ForceMask != 0 { // nothing is chowned: all is the user's
				onDisk = func(int) int { return 1000 }
			}
			made.Apply(t, storetest.Rechown(".", onDisk))
			write(t, filepath.Join(disk, "etc/passwd"), "root:x:0:0::/root:/bin/sh\nu1:x:1000:1000::/home/u1:/bin/sh\n")
			write(t, filepath.Join(disk, "etc/subuid"), "other:1:5\nu1:100000:65536\n")
			write(t, filepath.Join(disk, "etc/subgid"), "u1:100000:65536\n")
			s, err := cstor.Discover(t.Context(), cstor.DiscoverOptions{Sysroot: disk})
			check(t, err)
			defer s.Close()
			base, own := ownedLayers(t, s)
			if opts.ForceMask != 0 {
				// A link has no attribute, so that it belongs to the namespace's root.
				want[0]["srv/link"] = "0:0"
			}
			got := []map[string]string{owners(t, base), owners(t, own), entryOwners(t, base), entryOwners(t, own)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-root's +the user's:\n%s", diff)
			}
			layers, err := image(t, s, "owned:1").Layers()
			check(t, err)
			fsys, err := imagefs.New(layers, imagefs.Options{})
			check(t, err)
			info, err := fsys.Stat("srv/www")
			check(t, err)
			if st := info.Sys().(*imagefs.Stat); st.UID != 33 || st.GID != 34 {
				t.Errorf("imagefs: %d:%d", st.UID, st.GID)
			}
		})
	}
}

// TestUserMaps: what the lists of a mounted system make of the ids on disk.
func TestUserMaps(t *testing.T) {
	t.Parallel()
	needRoot(t)
	const account = "root:x:0:0::/root:/bin/sh\nu1:x:1000:1000::/home/u1:/bin/sh\n"
	const nobody = "65534:65534"
	type ids = map[string]string // owner on disk → owner shown
	cases := []struct {
		name                   string
		passwd, subuid, subgid string // "-" for the uid's list: none at all
		owner                  int    // of the store
		want                   ids
	}{
		{
			name: "by name", passwd: account, subuid: "u1:100000:65536\n", subgid: "u1:200000:65536\n", owner: 1000,
			want: ids{"1000:1000": "0:0", "100032:200033": "33:34", "165535:265535": "65536:65536", "165536:265536": nobody, "0:0": nobody, "5000:1000": "65534:0"},
		},
		{
			name: "by number", passwd: account, subuid: "1000:100000:10\n", subgid: "1000:100000:10\n", owner: 1000,
			want: ids{"1000:1000": "0:0", "100000:100009": "1:10", "100010:100010": nobody},
		},
		{
			name: "several ranges, the lowest first", passwd: account, subuid: "u1:300000:10\nu1:100000:5\n", subgid: "u1:100000:5\nu1:300000:10\n", owner: 1000,
			want: ids{"100004:100004": "5:5", "300000:300000": "6:6", "300009:300009": "15:15"},
		},
		{
			name: "another group", passwd: "u1:x:1000:50::/home/u1:/bin/sh\n", subuid: "u1:100000:10\n", subgid: "u1:100000:10\n", owner: 1000,
			want: ids{"1000:50": "0:0", "1000:1000": "0:65534"},
		},
		{
			name: "no list", passwd: account, subuid: "-", subgid: "-", owner: 1000,
			want: ids{"1000:1000": "0:0", "100000:100000": nobody},
		},
		{
			name: "not in the list of groups", passwd: account, subuid: "u1:100000:65536\n", subgid: "u2:100000:65536\n", owner: 1000,
			want: ids{"1000:1000": "0:0", "100000:100000": nobody},
		},
		{
			name: "nonsense", passwd: account, subuid: "u1:x:65536\n", subgid: "u1:100000:65536\n", owner: 1000,
			want: ids{"1000:1000": "0:0", "100000:100000": nobody},
		},
		{
			name: "ranges that overlap", passwd: account, subuid: "u1:100000:65536\n1000:100000:65536\n", subgid: "u1:100000:65536\n", owner: 1000,
			want: ids{"1000:1000": "0:0", "100000:100000": nobody},
		},
		{
			name: "a directory made for somebody", passwd: account, subuid: "u1:100000:65536\n", subgid: "u1:100000:65536\n", owner: 0,
			want: ids{"0:0": "0:0", "1000:1000": "1000:1000", "100000:100000": "100000:100000"},
		},
		{
			name: "somebody else's", passwd: account + "u2:x:2000:2000::/home/u2:\n", subuid: "u1:100000:10\nu2:300000:10\n", subgid: "u1:100000:10\nu2:300000:10\n", owner: 2000,
			want: ids{"2000:2000": "0:0", "300000:300000": "1:1", "1000:1000": nobody},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			disk := t.TempDir()
			made := builtStore(t, filepath.Join(disk, userDir), "layer a container\n file f\n", storetest.Options{})
			made.Apply(t, storetest.Rechown(".", func(int) int { return c.owner }))
			for name, text := range map[string]string{"passwd": c.passwd, "subuid": c.subuid, "subgid": c.subgid} {
				if text != "-" {
					write(t, filepath.Join(disk, "etc", name), text)
				}
			}
			s, err := cstor.Discover(t.Context(), cstor.DiscoverOptions{Sysroot: disk})
			check(t, err)
			defer s.Close()
			info := made.Layer("a")
			l, err := s.Layer(info.ID)
			check(t, err)
			got := ids{}
			for onDisk := range c.want {
				var uid, gid int
				_, err := fmt.Sscanf(onDisk, "%d:%d", &uid, &gid)
				check(t, err)
				check(t, os.Lchown(filepath.Join(info.Diff, "f"), uid, gid))
				n, err := l.Lstat("f")
				check(t, err)
				got[onDisk] = fmt.Sprintf("%d:%d", n.UID, n.GID)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestIDsOfNobodyKnown: what is certain of a user who has no account is that he is root
// in his namespace.
func TestIDsOfNobodyKnown(t *testing.T) {
	t.Parallel()
	needRoot(t)
	const uid, gid = 1999999123, 1999999321 // in no list of this machine
	made := storetest.New(t, "layer a container\n file f\n", storetest.Options{})
	made.Apply(t, storetest.Rechown(".", func(int) int { return uid }))
	check(t, os.Chown(filepath.Join(made.Root, "overlay-layers"), uid, gid))
	info := made.Layer("a")
	l, err := open(t, made).Layer(info.ID)
	check(t, err)
	for want, onDisk := range map[string][2]int{"0:0": {uid, gid}, "65534:65534": {gid, uid}} {
		check(t, os.Chown(filepath.Join(info.Diff, "f"), onDisk[0], onDisk[1]))
		n, err := l.Lstat("f")
		check(t, err)
		if got := fmt.Sprintf("%d:%d", n.UID, n.GID); got != want {
			t.Errorf("%d is shown as %s, want %s", onDisk, got, want)
		}
	}
}

// TestIDsFromInside: in the user's namespace the kernel translates, and nobody does it
// once more. Containers' maps are in terms of that namespace, inside and outside.
func TestIDsFromInside(t *testing.T) {
	if root := os.Getenv("CSTOR_TEST_INSIDE"); root != "" {
		s, err := cstor.Open(t.Context(), root, cstor.Options{})
		check(t, err)
		defer s.Close()
		base, own := ownedLayers(t, s)
		fmt.Println("OWNERS", owners(t, base), owners(t, own))
		roots, err := cstor.Open(t.Context(), os.Getenv("CSTOR_TEST_ROOTS"), cstor.Options{})
		check(t, err)
		defer roots.Close()
		l, err := roots.Layer("a")
		check(t, err)
		n, err := l.Lstat("f")
		check(t, err)
		fmt.Println("ROOT'S", n.UID, n.GID)
		mounted, err := cstor.Discover(t.Context(), cstor.DiscoverOptions{Sysroot: os.Getenv("CSTOR_TEST_OTHERS")})
		check(t, err)
		defer mounted.Close()
		l, err = mounted.Layer("a")
		check(t, err)
		n, err = l.Lstat("f")
		check(t, err)
		fmt.Println("OTHER'S", n.UID, n.GID)
		return
	}
	t.Parallel()
	needRoot(t)
	dir, err := os.MkdirTemp("", "cstor-ids-") //nolint:usetesting // a user cannot enter the test's own
	check(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	check(t, os.Chmod(dir, 0o755))
	disk := filepath.Join(dir, "disk")
	made := builtStore(t, filepath.Join(disk, userDir), ownedSpec, storetest.Options{Whiteouts: storetest.WhiteoutsUser})
	kept := idMaps(0, 1, 1000, 1000, 0, 1, 1001, 1001, 64536)
	own := made.Layer("own")
	rel, err := filepath.Rel(made.Root, own.Dir)
	check(t, err)
	made.Apply(t,
		storetest.EditLayer("own", func(r map[string]any) { r["uidmap"], r["gidmap"] = kept, kept }),
		storetest.Rechown(rel, func(id int) int { return id + 1 }),
		storetest.Rechown(".", storetest.UserID(1000, 100000)))
	for name, text := range map[string]string{"passwd": "u1:x:1000:1000::/home/u1:\n", "subuid": "u1:100000:65536\n", "subgid": "u1:100000:65536\n"} {
		write(t, filepath.Join(disk, "etc", name), text)
	}
	s, err := cstor.Discover(t.Context(), cstor.DiscoverOptions{Sysroot: disk})
	check(t, err)
	defer s.Close()
	base, top := ownedLayers(t, s)
	want := fmt.Sprintln("OWNERS", owners(t, base), owners(t, top))
	if !strings.Contains(want, "srv/new:5:6") || !strings.Contains(want, "srv/www:33:34") {
		t.Fatalf("outside: %s", want)
	}
	// In a store of root's, whom the namespace does not have, nobody is root.
	roots := builtStore(t, filepath.Join(dir, "roots"), "layer a names=a\n file f\nimage localhost/a layer=a\n", storetest.Options{})
	check(t, filepath.WalkDir(roots.Root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type() == fs.ModeSymlink {
			return err
		}
		return os.Chmod(path, 0o755)
	}))
	// And where somebody has a store who is 1000 in the namespace, the lists that speak of
	// ids outside mean another 1000.
	other := filepath.Join(dir, "other")
	others := builtStore(t, filepath.Join(other, userDir), "layer a names=a\n file f 0644 33:33\nimage localhost/a layer=a\n", storetest.Options{})
	others.Apply(t, storetest.Rechown(".", func(id int) int { return map[int]int{0: 100999, 33: 100032}[id] }))
	check(t, exec.CommandContext(t.Context(), "cp", "-a", filepath.Join(disk, "etc"), other).Run())
	self, err := os.Executable()
	check(t, err)
	binary := filepath.Join(dir, "test")
	check(t, exec.CommandContext(t.Context(), "cp", self, binary).Run())
	cmd := exec.CommandContext(t.Context(), binary, "-test.run=^TestIDsFromInside$")
	cmd.Env = append(os.Environ(), "CSTOR_TEST_INSIDE="+made.Root, "CSTOR_TEST_ROOTS="+roots.Root, "CSTOR_TEST_OTHERS="+other)
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 1000, Size: 1}, {ContainerID: 1, HostID: 100000, Size: 65536}}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: true,
		Credential: &syscall.Credential{},
	}
	out, err := cmd.CombinedOutput()
	if err != nil && len(out) == 0 {
		t.Skipf("no user namespace: %v", err)
	}
	check(t, err)
	if !strings.Contains(string(out), "ROOT'S 65534 65534\nOTHER'S 33 33\n") {
		t.Errorf("inside: %s", out)
	}
	if !strings.Contains(string(out), want) {
		t.Errorf("inside: %s\noutside: %s", out, want)
	}
}
