package userns

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	playing = "CSTOR_TEST_PROGRAM" // what the test binary does in place of tests
	status  = 7                    // how it ends when all went well
)

// program is one that enters. What it does then is up to its name: "report" says on
// standard output what it sees, "chatter" prints for ever, the others wait for a signal: "endure" ends by it
// whatever it is, "tidy" has a handler, removes the file that it is writing, and ends
// as cstor does. "steadfast" could not enter, and reads its third descriptor later.
// "thorough" is tidy, and takes its time for it.
func program(name, again string) {
	if name == "shell" {
		shell()
	}
	if Needed(os.Getenv("CSTOR_TEST_STORE")) {
		err := Enter(context.Background())
		if name == "steadfast" {
			for range 5 {
				runtime.GC()
				time.Sleep(10 * time.Millisecond) // for what is run when something is collected
			}
			third := make([]byte, 10)
			n, err := unix.Read(3, third)
			fmt.Printf("%q %v ", third[:max(n, 0)], err)
		}
		failed := (*EnterError)(nil)
		fmt.Printf("%v %v %v\n", errors.As(err, &failed), errors.Is(err, exec.ErrNotFound), err)
		os.Exit(1)
	}
	if name == "report" {
		report(again)
	}
	for name == "chatter" {
		fmt.Println("more")
	}
	file := os.Args[1]
	came := make(chan os.Signal, 2)
	tidies := map[string]time.Duration{"tidy": 50 * time.Millisecond, "thorough": 500 * time.Millisecond}
	if tidies[name] > 0 {
		signal.Notify(came, unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	}
	if err := os.WriteFile(file, fmt.Append(nil, os.Getpid()), 0o600); err != nil {
		panic(err)
	}
	fmt.Println(os.Getpid())
	if tidies[name] == 0 {
		for { // what only receives would be taken for a deadlock
			time.Sleep(time.Hour)
		}
	}
	by := <-came
	_ = os.Remove(file)
	time.Sleep(tidies[name]) // a second signal would be taken for impatience
	number, _ := by.(unix.Signal)
	if len(came) > 0 {
		number = 100
	}
	os.Exit(128 + int(number))
}

// seen is what a program sees.
type seen struct {
	Args              []string
	Dir, Input, Third string // the third descriptor's content
	Env               map[string]string
	UID, GID          int
	Groups            int
	UIDs, GIDs        string
	Capable           bool
	Open              []string // descriptors behind the third that are pipes, sockets, namespaces
	Again             string   // the role in the marker
	PID               int
}

func report(again string) {
	s := seen{Args: os.Args[1:], UID: os.Getuid(), GID: os.Getgid(), PID: os.Getpid(), Env: map[string]string{}}
	s.Again, _, _ = strings.Cut(again, " ")
	s.Dir, _ = os.Getwd()
	input, _ := io.ReadAll(os.Stdin)
	s.Input = string(input)
	var st unix.Stat_t
	if unix.Fstat(3, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG { // else nobody gave one
		third, _ := io.ReadAll(os.NewFile(3, "third"))
		s.Third = string(third)
	}
	for _, v := range os.Environ() {
		name, value, _ := strings.Cut(v, "=")
		if strings.HasPrefix(name, "_C") || name == "CSTOR_TEST_ENV" {
			s.Env[name] = value
		}
	}
	for name, to := range map[string]*string{"uid_map": &s.UIDs, "gid_map": &s.GIDs} {
		text, _ := os.ReadFile("/proc/self/" + name)
		*to = strings.Join(strings.Fields(string(text)), " ")
	}
	groups, _ := os.Getgroups()
	s.Groups = len(groups)
	secret, err := os.ReadFile(os.Getenv("CSTOR_TEST_SECRET"))
	s.Capable = string(secret) == "words" && err == nil
	open, _ := os.ReadDir("/proc/self/fd")
	for _, entry := range open {
		fd, _ := strconv.Atoi(entry.Name())
		if at, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil && fd > 3 && strings.Contains(at, ":[") && !strings.HasPrefix(at, "anon_inode:") {
			s.Open = append(s.Open, at)
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(s); err != nil {
		panic(err)
	}
	os.Exit(status)
}

// links makes a directory for PATH that has these programs of the machine and no
// others.
func links(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Skip(err)
		}
		if err := os.Symlink(path, dir+"/"+name); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// command is the test binary as a program.
func command(t *testing.T, name, path string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Env = append(os.Environ(), playing+"="+name, "PATH="+path, "XDG_RUNTIME_DIR="+t.TempDir(), "CSTOR_TEST_STORE="+t.TempDir())
	return cmd
}
