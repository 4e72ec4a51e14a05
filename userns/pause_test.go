package userns

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/idmap"
	"github.com/cstor-go/cstor/internal/storetest"
)

// No file that says what the pause process is leads anywhere but into a namespace of
// the user's.
func TestPauseNamespace(t *testing.T) {
	storetest.AsUserWithIDs(t, func(t *testing.T) {
		full, err := callerMaps()
		if err != nil {
			t.Fatal(err)
		}
		own := idmap.Maps{UIDs: full.UIDs[:1], GIDs: full.GIDs[:1]}
		elsewhere := idmap.Maps{UIDs: append(idmap.Map{{Inside: 70000, Outside: own.UIDs[0].Outside, Size: 1}}, full.UIDs[1:]...), GIDs: full.GIDs}
		pid := func(n int) func(*testing.T) string {
			return func(t *testing.T) string { return runtimeDir(t, n) }
		}
		kept := func(m idmap.Maps) func(*testing.T) string {
			return func(t *testing.T) string { return runtimeDir(t, keep(t, m)) }
		}
		file := func(write func(path string) error) func(*testing.T) string {
			return func(t *testing.T) string {
				dir := runtimeDir(t, 1)
				path := filepath.Join(dir, "libpod/tmp/pause.pid")
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
				if err := write(path); err != nil {
					t.Fatal(err)
				}
				return dir
			}
		}
		text := func(text string) func(*testing.T) string {
			return file(func(path string) error { return os.WriteFile(path, []byte(text), 0o600) })
		}
		cases := []struct {
			name string
			dir  func(t *testing.T) string
			want bool
		}{
			{"right", kept(full), true},
			{"a line", func(t *testing.T) string { return text(fmt.Sprintf("%d\n", keep(t, full)))(t) }, true},
			{"ids beside none of his own", kept(elsewhere), false},
			{"his own id alone", kept(own), false},
			{"not in a namespace", pid(os.Getpid()), false},
			{"of another user", pid(1), false},
			{"no process", pid(1 << 30), false},
			{"zero", text("0"), false},
			{"negative", text("-1"), false},
			{"empty", text(""), false},
			{"words", text("self"), false},
			{"a path", text("../self"), false},
			{"long", text(fmt.Sprintf("%40d", os.Getpid())), false},
			{"a FIFO", file(func(path string) error { return unix.Mkfifo(path, 0o600) }), false},
			{"a link", file(func(path string) error { return os.Symlink("/proc/self/stat", path) }), false},
			{"a directory", file(func(path string) error { return os.Mkdir(path, 0o700) }), false},
			{"nothing", func(t *testing.T) string { return t.TempDir() }, false},
		}
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Setenv("XDG_RUNTIME_DIR", c.dir(t))
				ns := pauseNamespace()
				if ns != nil {
					defer ns.Close()
				}
				if (ns != nil) != c.want {
					t.Errorf("namespace %v", ns)
				}
			})
		}
	})
}

func TestRuntimeDirs(t *testing.T) {
	uid := fmt.Sprint(os.Geteuid())
	for _, c := range []struct {
		xdg, temp string
		want      []string
	}{
		{"/xdg", "/temp", []string{"/xdg"}},
		{"", "/temp", []string{"/run/user/" + uid, "/temp/storage-run-" + uid, "/temp/podman-run-" + uid}},
		{"", "", []string{"/run/user/" + uid, "/tmp/storage-run-" + uid, "/tmp/podman-run-" + uid}},
	} {
		t.Setenv("XDG_RUNTIME_DIR", c.xdg)
		t.Setenv("TMPDIR", c.temp)
		if got := runtimeDirs(); !slices.Equal(got, c.want) {
			t.Errorf("%q, %q: %q, want %q", c.xdg, c.temp, got, c.want)
		}
	}
}

// A namespace within the user's is not his to join: what it has in it is not what
// his store is written with.
func TestNestedNamespace(t *testing.T) {
	storetest.AsUserWithIDs(t, func(t *testing.T) {
		cmd, err := self("test-nest")
		if err != nil {
			t.Fatal(err)
		}
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stderr = os.Stderr
		if err := startInNamespace(t.Context(), cmd); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = cmd.Wait() }()
		defer in.Close()
		var nested int
		if _, err := fmt.Fscan(out, &nested); err != nil {
			t.Fatal(err)
		}
		for pid, want := range map[int]bool{cmd.Process.Pid: true, nested: false} {
			ns, err := namespaceOf(pid)
			if err != nil {
				t.Fatal(err)
			}
			defer ns.Close()
			if err := ns.usable(); (err == nil) != want {
				t.Errorf("process %d: %v", pid, err)
			}
		}
	})
}

// nest is a role for the test: a process that keeps another one in a namespace
// within its own, with all the ids that there are, until its input ends.
func nest(string) {
	cmd, err := self("")
	if err != nil {
		panic(err)
	}
	n, err := clone(cmd)
	if err != nil {
		panic(err)
	}
	m := idmap.Map{{Inside: 0, Outside: 0, Size: 1}, {Inside: 1, Outside: 1, Size: 65536}}
	for _, file := range []string{"uid_map", "gid_map"} {
		if err := os.WriteFile(fmt.Sprintf("/proc/%d/%s", cmd.Process.Pid, file), []byte(m.Lines()), 0); err != nil {
			panic(err)
		}
	}
	fmt.Println(cmd.Process.Pid)
	_, _ = os.Stdin.Read(make([]byte, 1))
	n.end()
	os.Exit(0)
}
