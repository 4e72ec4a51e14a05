package userns

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor/internal/idmap"
	"github.com/cstor-go/cstor/internal/storetest"
)

func TestNeeded(t *testing.T) {
	if os.Geteuid() == 0 && Needed(t.TempDir()) {
		t.Error("needed as root")
	}
	storetest.AsUser(t, func(t *testing.T) {
		own := t.TempDir()
		link := filepath.Join(own, "link")
		if err := os.Symlink(".", link); err != nil {
			t.Fatal(err)
		}
		for dir, want := range map[string]bool{own: true, link: true, "/": false, filepath.Join(own, "nothing"): false, "": false} {
			if Needed(dir) != want {
				t.Errorf("Needed(%q) is not %v", dir, want)
			}
		}
		entered.Store(true)
		defer entered.Store(false)
		if Needed(own) {
			t.Error("needed twice")
		}
	})
}

var (
	tools = []string{"newuidmap", "newgidmap"}
	alone = fmt.Sprintf("0 %d 1", os.Getuid())
)

// unsharer makes a program in dir that does what "podman unshare" does with its
// arguments, but for the namespace.
func unsharer(t *testing.T, dir, name string) {
	t.Helper()
	script := "#!/bin/sh\n[ \"$1\" = unshare ] && [ \"$2\" = -- ] || exit 99\nshift 2\nexec \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
}

// The tests here start programs that they have just written: side by side, one could
// be "text file busy" while another starts its own.
func TestEnter(t *testing.T) {
	storetest.AsUserWithIDs(t, func(t *testing.T) {
		own := fmt.Sprintf("0 %d 1 1 %d 65536", os.Getuid(), storetest.SubordinateIDs)
		cases := []struct {
			name   string
			path   string
			pause  func(t *testing.T) string // makes a runtime directory
			uids   string                    // "": not entered
			parent bool                      // the program is a child
		}{
			{name: "nsenter", path: links(t, append(tools, "nsenter")...), uids: own},
			{name: "child", path: links(t, tools...), uids: own, parent: true},
			{name: "pause process", path: links(t, "nsenter"), pause: pausing(own), uids: own},
			{name: "podman", path: links(t), uids: ""},
			{name: "buildah", path: links(t), uids: ""},
		}
		secret := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(secret, []byte("words"), 0); err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				if c.uids == "" {
					unsharer(t, c.path, c.name)
				}
				// sh gives the program an open file.
				const value = "a=b  c\n\"d\" $e"
				args := []string{"list", "a b", "", "--", "-x", "--user", "ca\xc3\xa9", "new\nline", "$HOME", "*"}
				cmd := command(t, "report", c.path, args...)
				cmd.Path, cmd.Args = "/bin/sh", append([]string{"sh", "-c", "exec \"$@\" 3< third", "sh"}, cmd.Args...)
				cmd.Dir = t.TempDir()
				if err := os.WriteFile(cmd.Dir+"/third", []byte("third"), 0o600); err != nil {
					t.Fatal(err)
				}
				cmd.Env = append(cmd.Env, "CSTOR_TEST_ENV="+value, "CSTOR_TEST_SECRET="+secret)
				if c.pause != nil {
					cmd.Env = append(cmd.Env, "XDG_RUNTIME_DIR="+c.pause(t))
				}
				cmd.Stdin = strings.NewReader("input")
				var out, errOut bytes.Buffer
				cmd.Stdout, cmd.Stderr = &out, &errOut
				err := cmd.Run()
				var got seen
				if json.Unmarshal(out.Bytes(), &got) != nil || cmd.ProcessState.ExitCode() != status || errOut.Len() > 0 {
					t.Fatalf("%v\n%s%s", err, &out, &errOut)
				}
				want := seen{Args: args, Dir: cmd.Dir, Input: "input", Third: "third", Again: "entered", PID: got.PID, Groups: 1}
				want.Env = map[string]string{"CSTOR_TEST_ENV": value}
				want.UID, want.GID, want.UIDs, want.GIDs = os.Getuid(), os.Getgid(), got.UIDs, got.GIDs
				if c.uids != "" {
					want.UID, want.GID, want.UIDs, want.GIDs, want.Capable = 0, 0, c.uids, c.uids, true
					want.Env["_CONTAINERS_USERNS_CONFIGURED"] = "done"
					want.Env["_CONTAINERS_ROOTLESS_UID"] = fmt.Sprint(os.Getuid())
					want.Env["_CONTAINERS_ROOTLESS_GID"] = fmt.Sprint(os.Getgid())
				}
				if c.parent { // the lifeline
					if len(got.Open) != 1 || !strings.HasPrefix(got.Open[0], "pipe:") {
						t.Errorf("open: %q", got.Open)
					}
					got.Open = nil
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if (got.PID == cmd.Process.Pid) == c.parent {
					t.Errorf("process %d became %d", cmd.Process.Pid, got.PID)
				}
			})
		}
	})
}

// pausing keeps a process in a namespace, as podman does, which has this map.
func pausing(want string) func(t *testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		maps, err := callerMaps()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(strings.Fields(maps.UIDs.Lines()), " "); got != want {
			t.Fatalf("map %q, want %q", got, want)
		}
		return runtimeDir(t, keep(t, maps))
	}
}

// keep starts a process in a namespace with these maps.
func keep(t *testing.T, maps idmap.Maps) (pid int) {
	t.Helper()
	cmd, err := self("")
	if err != nil {
		t.Fatal(err)
	}
	n, err := clone(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.end)
	if err := writeMaps(t.Context(), maps, cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

// runtimeDir makes one for a pause process.
func runtimeDir(t *testing.T, pid int) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "libpod/tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "libpod/tmp/pause.pid"), fmt.Append(nil, pid), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Without subordinate ids there is a namespace all the same.
func TestEnterAlone(t *testing.T) {
	storetest.AsUser(t, func(t *testing.T) {
		if m, err := callerMaps(); err != nil || !single(m) {
			t.Skipf("the user has subordinate ids (%v)", err)
		} else if ns, err := newNamespace(t.Context(), m); err != nil {
			t.Skip(err)
		} else {
			_ = ns.Close()
		}
		secret := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(secret, []byte("words"), 0); err != nil {
			t.Fatal(err)
		}
		for name, path := range map[string]string{"nsenter": links(t, "nsenter"), "child": links(t)} {
			t.Run(name, func(t *testing.T) {
				cmd := command(t, "report", path, "x")
				cmd.Env = append(cmd.Env, "CSTOR_TEST_SECRET="+secret)
				var errOut bytes.Buffer
				cmd.Stderr = &errOut
				out, err := cmd.Output()
				var got seen
				if json.Unmarshal(out, &got) != nil {
					t.Fatalf("%v\n%s%s", err, out, &errOut)
				}
				if got.UIDs != alone || got.GIDs != alone || !got.Capable || got.UID != 0 {
					t.Errorf("%+v", got)
				}
			})
		}
	})
}

func TestEnterWithoutInit(t *testing.T) {
	WithoutInit(func() {
		err := Enter(t.Context())
		if failed := (*EnterError)(nil); !errors.As(err, &failed) || !errors.Is(err, errNoInit) {
			t.Error(err)
		}
	})
}

func TestEnterErrors(t *testing.T) {
	storetest.AsUserWithIDs(t, func(t *testing.T) {
		broken := t.TempDir()
		for _, name := range tools {
			path, err := exec.LookPath(name)
			if err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(broken, name), data, 0o755); err != nil { // not root's
				t.Fatal(err)
			}
		}
		directory := t.TempDir()
		if err := os.Mkdir(filepath.Join(directory, "podman"), 0o755); err != nil {
			t.Fatal(err)
		}
		cases := []struct {
			name, path string
			missing    bool     // a program
			says       []string // programs, and what they said
		}{
			{"nothing", links(t), true, []string{"newuidmap", "uidmap", "podman", "buildah"}},
			{"one of two", links(t, "newuidmap"), true, []string{"newgidmap", "uidmap"}},
			{"no program", directory, true, []string{"newuidmap", "podman"}},
			{"no set-user-ID bit", broken, false, []string{"newuidmap", "Operation not permitted", "set-user-ID"}},
		}
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				cmd := command(t, "report", c.path)
				out, err := cmd.Output()
				if want := fmt.Sprintf("true %v ", c.missing); !strings.HasPrefix(string(out), want) || cmd.ProcessState.ExitCode() != 1 {
					t.Errorf("%v: %q, want %q", err, out, want)
				}
				for _, word := range c.says {
					if !strings.Contains(string(out), word) {
						t.Errorf("%q does not say %q", out, word)
					}
				}
			})
		}
	})
}
