package extract_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/extract"
	"github.com/cstor-go/cstor/internal/storetest"
)

const rightsSpec = `
layer l
  file     a/f 0755 7:8 "1"
  xattr    a/f user.k=v
  file     mine 0400
  xattr    mine user.k=w
  file     s 04755 7:8 "2"
  dir      d 0700 7:8
  file     d/below 0644 7:8
  file     cap 0755 "3"
  xattr    cap "security.capability=\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
  char     null 0644 1 3
  hardlink z null
  symlink  link to 9:9
  fifo     p 0640
image i layer=l
`

// childStore and childDir tell a child process what to extract, and where to.
const (
	childStore = "CSTOR_TEST_STORE"
	childDir   = "CSTOR_TEST_DIR"
	childLossy = "CSTOR_TEST_LOSSY"
)

// TestChild is what TestRights does in other processes.
func TestChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		t.Skip("not a child of TestRights")
	}
	s, err := cstor.Open(t.Context(), os.Getenv(childStore), cstor.Options{})
	check(t, err)
	defer s.Close()
	i, err := s.Image("i")
	check(t, err)
	layers, err := i.Layers()
	check(t, err)
	opts := extract.Options{Reflink: extract.ReflinkAuto}
	switch os.Getenv(childLossy) {
	case "no": // root, but for some rights
		_, err = extract.Dir(t.Context(), layers, dir, opts)
		var entry *extract.EntryError
		if !errors.Is(err, unix.EPERM) || !errors.As(err, &entry) || entry.Layer != layers[0] {
			t.Errorf("error %v", err)
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is there: %v", dir, err)
		}
		return
	case "yes":
		opts.Lossy = true
	}
	report, err := extract.Dir(t.Context(), layers, dir, opts)
	check(t, err)
	defer os.Chmod(dir, 0o700)
	lost := report.Lost
	// Of the owner 0:0 this is about the user: those of an ordinary one are lost too.
	if lost.Owners.Count < 5 || lost.Owners.Err == nil || lost.SetIDs.Count != 1 || lost.SetIDs.First != "s" ||
		lost.Devices.Count != 2 || lost.Devices.First != "null" {
		t.Errorf("%+v", lost)
	}
	var st unix.Stat_t
	for name, mode := range map[string]uint32{"a/f": 0o755, "mine": 0o400, "s": 0o755, "d": 0o700, "d/below": 0o644, "p": 0o640} {
		check(t, unix.Lstat(filepath.Join(dir, name), &st))
		if st.Mode&0o7777 != mode || int(st.Uid) != os.Geteuid() {
			t.Errorf("%s: mode %o, owner %d", name, st.Mode, st.Uid)
		}
	}
	for name, want := range map[string]string{"a/f": "v", "mine": "w"} {
		value := make([]byte, 9)
		n, err := unix.Lgetxattr(filepath.Join(dir, name), "user.k", value)
		if err != nil || string(value[:n]) != want {
			t.Errorf("%s: attribute %q, %v", name, value[:max(n, 0)], err)
		}
	}
}

// TestRights extracts as somebody who may not do all that an image wants.
func TestRights(t *testing.T) {
	t.Parallel()
	needRoot(t)
	made := storetest.New(t, rightsSpec, storetest.Options{})
	for name, c := range map[string]struct {
		lossy string
		run   []string
	}{
		"root in part":        {"no", []string{"setpriv", "--bounding-set=-chown,-mknod"}},
		"root in part, lossy": {"yes", []string{"setpriv", "--bounding-set=-chown,-mknod"}},
		"ordinary user": {"", []string{
			"setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search",
		}},
		"root of a namespace": {"", []string{"unshare", "--user", "--map-root-user"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if out, err := exec.Command(c.run[0], append(c.run[1:], "true")...).CombinedOutput(); err != nil {
				t.Skipf("%v: %v: %s", c.run, err, out)
			}
			dir, err := os.MkdirTemp("/dev/shm", "extract-") //nolint:usetesting // where everybody may come
			check(t, err)
			t.Cleanup(func() { check(t, os.RemoveAll(dir)) })
			check(t, os.Chmod(dir, 0o777))
			test := filepath.Join(dir, "test")
			self, err := os.ReadFile("/proc/self/exe")
			check(t, err)
			check(t, os.WriteFile(test, self, 0o755))
			cmd := exec.CommandContext(t.Context(), c.run[0], append(c.run[1:], test, "-test.run=^TestChild$", "-test.v")...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), childStore+"="+made.Root, childDir+"="+filepath.Join(dir, "out"), childLossy+"="+c.lossy, "TMPDIR=/dev/shm")
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "PASS: TestChild") {
				t.Errorf("%v:\n%s", err, out)
			}
		})
	}
}

// TestOwners maps them.
func TestOwners(t *testing.T) {
	t.Parallel()
	needRoot(t)
	layers := stackOf(t, rightsSpec)
	dir := filepath.Join(t.TempDir(), "out")
	report, err := extract.Dir(t.Context(), layers, dir, extract.Options{
		Reflink: extract.ReflinkAuto,
		UIDMap:  []cstor.IDMap{{ContainerID: 0, HostID: 5000, Size: 5}, {ContainerID: 5, HostID: 100, Size: 10}},
		GIDMap:  []cstor.IDMap{{ContainerID: 0, HostID: 7000, Size: 100}},
	})
	check(t, err)
	wanted := want(t, layers)
	for name, f := range wanted {
		f.uid, f.gid = map[uint32]uint32{0: 5000, 7: 102, 9: 104}[f.uid], f.gid+7000
		if name == "cap" {
			f.attributes = map[string]string{"security.capability": fileCapability(5000)}
		}
		wanted[name] = f
	}
	compare(t, survey(t, dir), wanted)
	if report.Lost.Any() {
		t.Errorf("%+v", report)
	}
}

// TestUnreadable: a directory that no header names has the disk's metadata, and where
// these may not be read there is none made up.
func TestUnreadable(t *testing.T) {
	storetest.AsUser(t, func(t *testing.T) {
		layers := stackOf(t, "layer l\n  symlink a/b/link target\nimage i layer=l\n")
		root, _ := layers[0].Store()
		closed := filepath.Join(root, "overlay", layers[0].ID(), "diff", "a")
		check(t, os.Chmod(closed, 0))
		defer os.Chmod(closed, 0o700) // so that it can be removed
		var entry *extract.EntryError
		dir := filepath.Join(t.TempDir(), "out")
		_, err := extract.Dir(t.Context(), layers, dir, extract.Options{NoSameOwner: true})
		if !errors.Is(err, fs.ErrPermission) || !errors.As(err, &entry) || entry.Name != "a/b" {
			t.Errorf("directory: %v", err)
		}
		_, err = extract.Tar(t.Context(), layers, io.Discard, extract.TarOptions{})
		if !errors.Is(err, fs.ErrPermission) || !errors.As(err, &entry) || entry.Name != "a/b" {
			t.Errorf("tar: %v", err)
		}
	})
}
