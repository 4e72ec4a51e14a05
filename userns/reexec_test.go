package userns_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/userns"
)

const (
	marker  = "_CSTOR_USERNS"
	child   = "CSTOR_TEST_CHILD" // what the test binary does in place of tests
	store   = "CSTOR_TEST_STORE"
	special = "CSTOR_TEST_ENV"
	status  = 7
)

// TestMain lets the test binary play the program that is executed anew.
func TestMain(m *testing.M) {
	again := os.Getenv(marker) == "entered"
	userns.Init()
	switch os.Getenv(child) {
	case "":
		os.Exit(m.Run())
	case "needed": // as a real program
		if userns.Needed(os.Getenv(store)) {
			fail(userns.Reexec())
		}
	case "always":
		if !again {
			fail(userns.Reexec())
		}
	}
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	err = json.NewEncoder(os.Stdout).Encode(report{os.Args[1:], dir, os.Getenv(special), append(markers(), fmt.Sprint(again)), string(input)})
	if err != nil {
		panic(err)
	}
	os.Exit(status)
}

// fail reports why Reexec came back.
func fail(err error) {
	fmt.Printf("no helper: %v\n", errors.Is(err, userns.ErrNoHelper))
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// report is what the program sees.
type report struct {
	Args    []string
	Dir     string
	Env     string
	Markers []string
	Input   string
}

func markers() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return !strings.HasPrefix(v, marker+"=") })
}

// helper writes a program into dir that records how it was called, and does what
// "podman unshare" does with its arguments.
func helper(t *testing.T, dir, name string) (record string) {
	t.Helper()
	record = filepath.Join(dir, name+".record")
	script := `#!/bin/sh
for a in "$@"; do printf '<%s>' "$a"; done >> ` + record + `
echo >> ` + record + `
[ "$1" = unshare ] && [ "$2" = -- ] || exit 99
shift 2
exec "$@"
`
	if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return record
}

// run starts the test binary as the program.
func run(t *testing.T, mode, path string, env []string, args ...string) (stdout string, code int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(append(os.Environ(), child+"="+mode, "PATH="+path), env...)
	cmd.Dir = t.TempDir()
	cmd.Stdin = strings.NewReader("input")
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if errOut.Len() > 0 {
		t.Logf("standard error: %s", &errOut)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// The tests here start programs that they have just written: side by side, one could
// be "text file busy" while another starts its own.
func TestReexec(t *testing.T) {
	args := []string{"list", "a b", "", "--", "-x", "--rootless-netns", "ca\xc3\xa9", "new\nline", "$HOME", "*"}
	const value = "a=b  c\n\"d\" $e"
	for _, helpers := range [][]string{{"podman"}, {"buildah"}, {"podman", "buildah"}} {
		t.Run(strings.Join(helpers, "+"), func(t *testing.T) {
			dir := t.TempDir()
			var records []string
			for _, name := range helpers {
				records = append(records, helper(t, dir, name))
			}
			stdout, code := run(t, "always", dir, []string{special + "=" + value, marker + "="}, args...)
			if code != status {
				t.Errorf("exit status %d, want %d", code, status)
			}
			var got report
			if err := json.Unmarshal([]byte(stdout), &got); err != nil {
				t.Fatalf("%q: %v", stdout, err)
			}
			want := report{Args: args, Env: value, Markers: []string{"true"}, Input: "input", Dir: got.Dir}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !strings.HasPrefix(got.Dir, os.TempDir()) {
				t.Errorf("working directory %q", got.Dir)
			}
			calls, err := os.ReadFile(records[0])
			if err != nil {
				t.Fatal(err)
			}
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			wantCall := "<unshare><--><" + self + "><" + strings.Join(args, "><") + ">\n"
			if string(calls) != wantCall {
				t.Errorf("called as %q, want %q", calls, wantCall)
			}
			for _, other := range records[1:] {
				if _, err := os.Stat(other); err == nil {
					t.Errorf("%s was called as well", other)
				}
			}
		})
	}
}

func TestReexecErrors(t *testing.T) {
	cases := []struct {
		name     string
		make     func(dir string) error
		path     string // in place of the directory
		noHelper bool
	}{
		{name: "nothing", make: func(string) error { return nil }, noHelper: true},
		{name: "not executable", make: func(d string) error { return os.WriteFile(filepath.Join(d, "podman"), nil, 0o644) }, noHelper: true},
		{name: "a directory", make: func(d string) error { return os.Mkdir(filepath.Join(d, "podman"), 0o755) }, noHelper: true},
		{name: "cannot be executed", make: func(d string) error {
			return os.WriteFile(filepath.Join(d, "podman"), []byte("#!/nonexistent/interpreter\n"), 0o755)
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := c.make(dir); err != nil {
				t.Fatal(err)
			}
			stdout, code := run(t, "always", dir, nil)
			if want := fmt.Sprintf("no helper: %v\n", c.noHelper); stdout != want || code != 1 {
				t.Errorf("%q, status %d; want %q", stdout, code, want)
			}
		})
	}
}

func TestNeeded(t *testing.T) {
	if os.Geteuid() == 0 && userns.Needed(t.TempDir()) {
		t.Error("needed as root")
	}
	storetest.AsUser(t, func(t *testing.T) {
		own := t.TempDir()
		file := filepath.Join(own, "file")
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		link := filepath.Join(own, "link")
		if err := os.Symlink(".", link); err != nil {
			t.Fatal(err)
		}
		for dir, want := range map[string]bool{own: true, link: true, "/": false, filepath.Join(own, "nothing"): false, "": false} {
			if userns.Needed(dir) != want {
				t.Errorf("Needed(%q) is not %v", dir, want)
			}
		}
		// A program that is executed anew is so once, even if that gave it no root.
		record := helper(t, own, "podman")
		stdout, code := run(t, "needed", own, []string{store + "=" + own}, "arg")
		var got report
		if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != status || !slices.Equal(got.Args, []string{"arg"}) {
			t.Errorf("%q, status %d: %v", stdout, code, err)
		}
		calls, err := os.ReadFile(record)
		if err != nil || bytes.Count(calls, []byte("\n")) != 1 {
			t.Errorf("calls %q, %v", calls, err)
		}
	})
}
