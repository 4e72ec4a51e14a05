package beneath

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// variants are the ways in which every test of lookups runs. In the child
// processes of TestSeccomp there is no openat2 and they are fewer.
func variants() map[string]means {
	have := detect()
	all := map[string]means{
		"walk":         {walk: true, proc: have.proc},
		"walk,no proc": {walk: true, proc: -1},
		"detected":     have,
		"shared mount": {walk: have.walk, proc: have.proc, shared: true},
	}
	if !have.walk {
		all["openat2"] = means{proc: have.proc}
		all["openat2,no proc"] = means{proc: -1}
	}
	return all
}

// site is a temporary directory with a directory "in", which tests open, and
// beside it a directory "out" with a file "secret".
type site string

func (s site) in() string  { return filepath.Join(string(s), "in") }
func (s site) out() string { return filepath.Join(string(s), "out") }

// newSite builds a site from line specs, each a kind, a path below "in", and
// for a file its content, for a link its target: "dir a", "file a/b text",
// "link a/l ../b", "fifo p", "sock s", "whiteout w", "null n" (needs root).
// Parents are made as needed, @ in a target stands for the site's own path.
func newSite(t testing.TB, specs ...string) site {
	t.Helper()
	s := site(t.TempDir())
	must(t, os.MkdirAll(s.in(), 0o755))
	must(t, os.MkdirAll(s.out(), 0o755))
	must(t, os.WriteFile(filepath.Join(s.out(), "secret"), []byte("outside"), 0o644))
	for _, spec := range specs {
		kind, rest, _ := strings.Cut(spec, " ")
		name, arg, _ := strings.Cut(rest, " ")
		path := filepath.Join(s.in(), name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		switch kind {
		case "dir":
			must(t, os.MkdirAll(path, 0o755))
		case "file":
			must(t, os.WriteFile(path, []byte(arg), 0o644))
		case "link":
			must(t, os.Symlink(strings.ReplaceAll(arg, "@", string(s)), path))
		case "fifo":
			must(t, unix.Mkfifo(path, 0o644))
		case "sock":
			listen(t, path)
		case "whiteout":
			must(t, unix.Mknod(path, unix.S_IFCHR|0o644, 0))
		case "null":
			if err := unix.Mknod(path, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err != nil {
				t.Skipf("making a device node needs CAP_MKNOD: %v", err)
			}
		default:
			t.Fatalf("unknown kind in %q", spec)
		}
	}
	return s
}

// listen makes a socket. Its address is relative to a descriptor, because the
// names of temporary directories may exceed the 108 bytes of an address.
func listen(t testing.TB, path string) {
	t.Helper()
	dir, err := os.Open(filepath.Dir(path))
	must(t, err)
	defer dir.Close()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(procPath(int(dir.Fd())), filepath.Base(path))})
	must(t, err)
	l.SetUnlinkOnClose(false)
	must(t, l.Close())
}

// openSite opens the inside of s.
func openSite(t testing.TB, s site, scope Scope, m means) *Dir {
	t.Helper()
	d, err := open(s.in(), scope, m)
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
